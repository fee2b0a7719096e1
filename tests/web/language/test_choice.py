"""Which language a person reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.web.language.choice import LANGUAGES, choose_language


@pytest.mark.parametrize(
    ("kept", "accepted", "default", "chosen"),
    [
        ("de", ["en"], "en", "de"),
        (None, ["de-AT", "en"], "en", "de"),
        (None, ["fr", "de"], "en", "de"),
        (None, ["fr"], "de", "de"),
        ("xx", [], "en", "en"),
        (None, ["en-GB", "de"], "de", "en"),
    ],
)
def test_a_kept_choice_wins_then_the_browser_then_the_box(
    kept: str | None, accepted: list[str], default: str, chosen: str
) -> None:
    """What the person chose counts first, then the browser's wishes in their order, then the box's language."""
    assert choose_language(kept, accepted, default) == chosen


@given(st.none() | st.text(), st.lists(st.text(), max_size=40), st.sampled_from(sorted(LANGUAGES)))
def test_whatever_a_browser_sends_a_known_language_comes_out(
    kept: str | None, accepted: list[str], default: str
) -> None:
    """No cookie or header makes the choice fail or leave the languages there are."""
    assert choose_language(kept, accepted, default) in LANGUAGES
