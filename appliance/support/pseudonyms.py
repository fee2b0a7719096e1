"""Which word stands for which value; the first word a value gets stays (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


class Pseudonyms(dict[str, str]):
    """Value to word. Nothing is entered for values in ``harmless`` (lower case), short numbers and single signs."""

    def __init__(self, harmless: Collection[str]) -> None:
        super().__init__()
        self._harmless = frozenset(harmless)

    def add(self, value: str, word: str) -> None:
        """Let a word stand for a value from now on."""
        text = value.strip()
        shortest = 2
        if len(text) < shortest or text.lower() in self._harmless or (text.isdigit() and len(text) <= 4):  # noqa: PLR2004
            return
        self.setdefault(text, word)

    def word(self, value: str, otherwise: str) -> str:
        """Return the word for a value, without its angle brackets."""
        return self.get(value.strip(), otherwise).strip("<>")
