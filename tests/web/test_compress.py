"""Files of the pages are sent compressed, pages are not."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.web.compress import Kept

if TYPE_CHECKING:
    from tests.web.conftest import Browser

PACKED = {"Accept-Encoding": "gzip, br"}


@pytest.mark.parametrize("path", ["/static/exambox.css", "/static/frame.js", "/static/icons.svg"])
def test_own_files_come_compressed(browser: Browser, path: str) -> None:
    """A browser that takes gzip gets it; another gets the file; both are told that it depends on that."""
    plain, packed = browser.get(path), browser.get(path, headers=PACKED)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data)
    assert "Content-Encoding" not in plain.headers
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert int(packed.headers["Content-Length"]) == len(packed.data)


def test_a_file_the_browser_has_is_not_sent_again(browser: Browser) -> None:
    """The tag of a compressed file is known again."""
    first = browser.get("/static/exambox.css", headers=PACKED)
    again = browser.get("/static/exambox.css", headers={**PACKED, "If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.data == b""


def test_pages_are_not_compressed(browser: Browser) -> None:
    """What holds a form's token never shows its content by its length."""
    assert "Content-Encoding" not in browser.get("/sign-in", headers=PACKED, follow_redirects=True).headers


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("12"), st.binary(max_size=5000)), max_size=8))
def test_kept_bytes_belong_to_their_version(asked: list[tuple[str, str, bytes]]) -> None:
    """A changed file is compressed anew, an unchanged one is what it was."""
    kept, raw_of = Kept(), {}
    for path, version, raw in asked:
        now = raw_of.setdefault((path, version), raw)
        packed = kept.packed(path, version, now)
        assert packed is None or (gzip.decompress(packed) == now and len(packed) < len(now))
