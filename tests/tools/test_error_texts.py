"""Errors' sentences are read from the source."""

from __future__ import annotations

import ast

import pytest

from tools.error_texts import error_texts, explaining_texts


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('raise DiskError("It is full.", hint=f"Free {n} of {all}.")', {"It is full.", "Free {0} of {1}."}),
        ('raise X.BadError("It is late." if late else "It is early.")', {"It is late.", "It is early."}),
        ('raise E(first or "Nothing is there.")', set()),
        ('raise MyError(first or "Nothing is there.")', {"Nothing is there."}),
        ('abort(400, "That name is unknown.")', {"That name is unknown."}),
        ('raise KeyError("name")', set()),
        ('say("Just words.")', set()),
        ('super().__init__(f"Wait {n} s.", hint="Then try.")', {"Wait {0} s.", "Then try."}),
        ('run.add("part_bad", 3, f"record {n} is late")', {"record {0} is late"}),
        ('words.add("many words here")', set()),
        ('key_files.read(path, "device key")', {"device key"}),
        ('other_files.read(path, "device key")', set()),
        ('told = {"a": "One way.", "b": f"{x} way."}[level]', {"One way.", "{0} way."}),
        ('raise SomeError("Two pieces "\n f"make {one}.")', {"Two pieces make {0}."}),
    ],
)  # fmt: skip
def test_sentences_of_errors_are_found(source: str, found: set[str]) -> None:
    """What an error says and hints is found with numbered holes; names of fields and other words are not."""
    assert error_texts(ast.parse(source)) == found


def test_explaining_texts_are_clauses_and_words_of_tables() -> None:
    """Of a module that explains: its sentences, wherever they stand, and its tables' words; no docstrings."""
    source = (
        '"""What it is."""\nWORDS: Final = {"a": "keyboard"}\ndef f(x):\n    """Return it."""\n'
        '    return f"it is {x}" if x == "one" else "it is none"\n'
    )
    assert explaining_texts(ast.parse(source)) == {"it is {0}", "it is none", "keyboard"}
    assert explaining_texts(ast.parse(source), tables=False) == {"it is {0}", "it is none"}
