"""What a topic's file may hold: a few plain elements, links to other topics, nothing else (pure).

Topics are written by us and shown as they are, so a file that holds more than this list is refused rather than
cleaned: neither a script, a style nor another host's address can come into a page by way of its help.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from appliance.errors import ApplianceError

if TYPE_CHECKING:
    from collections.abc import Callable

ELEMENTS: Final = frozenset(
    {"h2", "h3", "p", "ul", "ol", "li", "dl", "dt", "dd", "strong", "em", "kbd", "code", "a", "br"}
)
"""Every element a topic may use; ``br`` alone has no end."""
_NO_END: Final = frozenset({"br"})
_LINK: Final = re.compile(r"#[a-z][a-z-]{0,39}\Z")
_ANCHOR: Final = re.compile(r"[a-z][a-z-]{0,59}\Z")
_TITLE: Final = "h2"


class HelpMarkupError(ApplianceError):
    """A topic's file holds what help may not hold."""

    code = "help.markup"


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a topic: markup as it is, or the beginning or end of a link to ``to``."""

    text: str
    to: str = ""
    kind: str = "markup"


@dataclass(frozen=True, slots=True)
class Article:
    """One topic, checked.

    Attributes:
        title: the words of its first heading.
        words: everything it says, in lower case, for searching.
        links: the topics it links to.
        anchors: names of its smaller headings.
        keys: what stands in its ``kbd`` elements, by the anchor of the heading above ("" before the first).
    """

    title: str
    words: str
    links: frozenset[str]
    anchors: frozenset[str]
    keys: tuple[tuple[str, str], ...]
    pieces: tuple[Piece, ...]

    def render(self, address: Callable[[str], str | None]) -> Markup:
        """Return the markup; ``address`` gives a topic's address, or None where the reader may not read it."""
        out, linked = [], False
        for piece in self.pieces:
            if piece.kind == "markup":
                out.append(piece.text)
            elif piece.kind == "link":
                to = address(piece.to)
                linked = to is not None
                out.append(f'<a href="{escape(to)}" data-help="{piece.to}">' if to is not None else "")
            else:
                out.append("</a>" if linked else "")
        return Markup("".join(out))  # noqa: S704  every piece was checked against the list above


def parse(source: str) -> Article:
    """Return a topic's article.

    Raises:
        HelpMarkupError: an element, attribute, comment or nesting that is not allowed, or no heading first.
    """
    reader = _Reader()
    reader.feed(source)
    reader.close()
    return reader.article()


class _Reader(HTMLParser):
    """Takes a file apart and refuses what is not on the list."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[str] = []
        self._pieces: list[Piece] = []
        self._words: list[str] = []
        self._title: list[str] = []
        self._links: set[str] = set()
        self._anchors: list[str] = []
        self._keys: list[tuple[str, str]] = []
        self._titles = 0

    def article(self) -> Article:
        if self._open:
            raise HelpMarkupError(f"<{self._open[-1]}> is not closed.")
        if self._titles != 1 or not self._title:
            raise HelpMarkupError("A topic has exactly one <h2>, with words.")
        if len(set(self._anchors)) != len(self._anchors):
            raise HelpMarkupError("A heading's id is used twice.")
        return Article(
            title="".join(self._title).strip(),
            words=" ".join("".join(self._words).casefold().split()),
            links=frozenset(self._links),
            anchors=frozenset(self._anchors),
            keys=tuple(self._keys),
            pieces=tuple(self._pieces),
        )

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take an element that is allowed where it stands."""
        if tag not in ELEMENTS:
            raise HelpMarkupError(f"<{tag}> is not allowed in help.")
        if not self._titles and tag != _TITLE:
            raise HelpMarkupError("A topic begins with its <h2>.")
        given = dict(attrs)
        if tag == "a":
            self._link(given)
        elif tag == "h3" and set(given) == {"id"} and _ANCHOR.match(given["id"] or ""):
            self._anchors.append(str(given["id"]))
            self._markup(f'<h3 id="{given["id"]}">')
        elif given:
            raise HelpMarkupError(f"<{tag}> takes no attribute {next(iter(given))} in help.")
        else:
            self._markup(f"<{tag}>")
        self._titles += tag == _TITLE
        if tag not in _NO_END:
            self._open.append(tag)

    def _link(self, given: dict[str, str | None]) -> None:
        to = given.get("href") or ""
        if set(given) != {"href"} or not _LINK.match(to) or "a" in self._open:
            raise HelpMarkupError(f"A link of help leads to another topic (#topic), not to {to[:80]!r}.")
        self._links.add(to[1:])
        self._pieces.append(Piece("", to[1:], "link"))

    def handle_endtag(self, tag: str) -> None:
        """Close the element that was opened last."""
        if not self._open or self._open[-1] != tag:
            raise HelpMarkupError(f"</{tag}> closes nothing.")
        self._open.pop()
        if tag == "a":
            self._pieces.append(Piece("", kind="end"))
        else:
            self._markup(f"</{tag}>")
        if tag not in {"strong", "em", "kbd", "code", "a"}:
            self._words.append(" ")

    def handle_data(self, data: str) -> None:
        """Keep words."""
        if not self._open and data.strip():
            raise HelpMarkupError(f"Words stand outside of every element: {data.strip()[:40]!r}.")
        self._markup(escape(data, quote=False))
        self._words.append(data)
        if _TITLE in self._open:
            self._title.append(data)
        if "kbd" in self._open:
            self._keys.append((self._anchors[-1] if self._anchors else "", data))

    def handle_comment(self, data: str) -> None:
        """Refuse comments: they would be sent to everybody."""
        raise HelpMarkupError(f"No comments in help: {data[:40]!r}.")

    def handle_decl(self, decl: str) -> None:
        """Refuse declarations."""
        raise HelpMarkupError(f"No declarations in help: {decl[:40]!r}.")

    def handle_pi(self, data: str) -> None:
        """Refuse processing instructions."""
        raise HelpMarkupError(f"No processing instructions in help: {data[:40]!r}.")

    def unknown_decl(self, data: str) -> None:
        """Refuse marked sections."""
        raise HelpMarkupError(f"No marked sections in help: {data[:40]!r}.")

    def _markup(self, text: str) -> None:
        self._pieces.append(Piece(text))
