"""The list of words no password may be built from."""

from __future__ import annotations

from tools import make_blocklist


def test_words_come_in_every_form_people_type_them() -> None:
    """Accents, umlauts and spaces are written as they are, without, and spelt out."""
    assert make_blocklist._forms("São Tomé") == {"sãotomé", "saotome"}
    assert make_blocklist._forms("Zürich") == {"zürich", "zurich", "zuerich"}
    assert make_blocklist._forms("Etc/GMT+5") == set()


def test_walks_over_keyboards_go_both_ways() -> None:
    """Keys side by side, back, twice, down the columns, and one key again and again."""
    assert {"qwertz", "ztrewq", "asdfghjkl", "qweqwe", "qazwsx", "aaaa", "abcdefgh"} <= make_blocklist._walks()


def test_the_list_in_the_package_is_the_one_the_tool_writes() -> None:
    """Nobody has edited the generated file by hand, apart from what newer names of places change."""
    there = set(make_blocklist.TARGET.read_text(encoding="utf-8").splitlines()[3:])
    made = set(make_blocklist.words())
    assert len(there ^ made) < 100
