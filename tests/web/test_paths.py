"""One is never sent on to another host."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.web.paths import local_path

BASE = "https://box.local/sign-in"


@given(st.text(alphabet=st.sampled_from("/\\.:@#?ab %\t\n\r") | st.characters(), max_size=30))
def test_an_allowed_path_stays_on_this_host(target: str) -> None:
    """Whatever is asked for: it is refused, or a browser that follows it stays here."""
    allowed = local_path(target)
    if allowed:
        assert urlsplit(urljoin(BASE, allowed.replace("\\", "/"))).netloc == "box.local"


@pytest.mark.parametrize("target", ["/", "/recordings?q=a", "/live#t=1"])
def test_paths_of_the_box_are_allowed(target: str) -> None:
    """The box's own pages are allowed as they are."""
    assert local_path(target) == target


@pytest.mark.parametrize("target", [None, "", "live", "//x", "/\\x", "/\tx", "http://x", "/a b"])
def test_others_are_not(target: str | None) -> None:
    """What could lead elsewhere becomes nothing."""
    assert local_path(target) == ""
