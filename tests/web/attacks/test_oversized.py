"""Too much of everything: it is refused early, and the process goes on."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from tests.web.attacks.conftest import status_lines

if TYPE_CHECKING:
    from tests.web.attacks.conftest import Server, Visitor

GOOD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
MARK = "/api/recordings/exam/bookmarks"
AT = "1800000000000000"


@pytest.fixture
def reviewer(server: Server) -> Visitor:
    """Somebody who may send much."""
    return server.visitor("reviewer")


@pytest.mark.parametrize(
    "body",
    [
        "note=" + "x" * 40_000,
        "&".join(f"f{n}=1" for n in range(6_000)),
        "&" * 32_000,
        "at_us=1&" * 3_000,
        "note=" + "%41" * 10_000,
        f"at_us={AT}&note={'x' * 2_001}",
        f"at_us={'9' * 5_000}",
        f"at_us={AT}&until_us=1e309",
        f"at_us={AT}&note=" + "%00" * 100,
        f"at_us={AT}&unknown=1",
        f"at_us={AT}&at_us={AT}",
    ],
    ids=[
        "long", "fields", "empty fields", "repeated", "encoded", "field", "digits", "float", "controls", "unknown",
        "twice",
    ],
)  # fmt: skip
def test_forms_beyond_any_measure_are_refused(server: Server, reviewer: Visitor, body: str) -> None:
    """A refusal that says so, no fault, and nothing is stored."""
    headers = {"X-CSRFToken": reviewer.token(), "Accept": "application/json"}
    answer = reviewer.post(MARK, body, headers=headers)
    assert answer.status in {400, 413, 422}, answer.body[:300]
    assert status_lines(server.exchange(GOOD)) == [200]


def test_multipart_with_many_parts_or_files_is_refused(reviewer: Visitor) -> None:
    """Parts are counted, files are not taken, and a part without an end costs nothing."""
    token = reviewer.token()
    for parts in (
        b"".join(b'--b\r\nContent-Disposition: form-data; name="f%d"\r\n\r\nx\r\n' % n for n in range(300))
        + b"--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="note"; filename="../../x.html"\r\n\r\n<script>\r\n--b--\r\n',
        b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\n' + b"x" * 30_000,
        b"--b\r\n" + b"X: y\r\n" * 4_000,
    ):
        kind = {"Content-Type": "multipart/form-data; boundary=b", "X-CSRFToken": token, "Accept": "application/json"}
        assert reviewer.ask(MARK, "POST", headers=kind, body=parts).status in {400, 413, 422}


def test_packed_bodies_are_not_unpacked(server: Server, reviewer: Visitor) -> None:
    """A small body that would become a large one stays what it is: no form."""
    bomb = gzip.compress(b"at_us=1&note=" + b"x" * 30_000_000)
    assert len(bomb) < 32_000
    kind = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Encoding": "gzip",
        "Accept": "application/json",
    }
    answer = reviewer.ask(MARK, "POST", headers=kind | {"X-CSRFToken": reviewer.token()}, body=bomb)
    assert answer.status in {400, 413, 415, 422}
    assert status_lines(server.exchange(GOOD)) == [200]


def test_nested_json_is_no_form(reviewer: Visitor) -> None:
    """Nobody reads JSON bodies here: ten thousand brackets are a form without fields."""
    kind = {"Content-Type": "application/json", "X-CSRFToken": reviewer.token(), "Accept": "application/json"}
    assert reviewer.ask(MARK, "POST", headers=kind, body=b"[" * 30_000).status in {400, 415, 422}


@pytest.mark.parametrize(
    "query", ["q=" + "x" * 3_000, "q=" + "%25" * 1_000, "page=" + "9" * 300, "&" * 3_000, "from=9999999999-01-01"]
)
def test_queries_beyond_measure_are_refused(reviewer: Visitor, query: str) -> None:
    """A search that no person types is an answer, not a fault."""
    assert reviewer.ask(f"/recordings?{query}").status in {200, 400, 414, 422}


@pytest.mark.parametrize("number", ["99999999999999999999999999", "-1", "1.5", "0x10", "\u0661", "1e9", " 1"])
def test_numbers_in_addresses_are_numbers(reviewer: Visitor, number: str) -> None:
    """A number too large for the database, or none at all, finds nothing (503: no keyring runs here)."""
    from urllib.parse import quote

    for path in (f"/api/recordings/exam/front/{quote(number)}/1", f"/api/recordings/exam/front/1/{quote(number)}"):
        assert reviewer.ask(path, headers={"Accept": "application/json"}).status in {404, 503}
