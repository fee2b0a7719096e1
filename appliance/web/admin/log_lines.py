"""An entry's facts as values a page can show: times, sizes, links and texts told apart, nothing unbounded. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from appliance.auditlog.line import ERASED
from appliance.clock import format_utc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.auditlog import LogLine

Kind = Literal["text", "time", "size", "length", "sitting", "camera", "hold", "yes", "no", "erased"]
MAX_CHARACTERS = 400
FIRST = ("name", "account", "hold", "sitting", "camera", "part", "role", "reason", "state")
"""What tells most about an entry; these stand in its line, everything else below it."""
_SHOWN_IN_LINE = 3
_PLAUSIBLE_US = 10**15
_SIZES = frozenset({"bytes", "free", "total"})
_LINKED: dict[str, Kind] = {"sitting": "sitting", "camera": "camera"}
COLUMNS = ("entry", "time", "action", "meaning", "who", "where", "detail", "personal")


@dataclass(frozen=True, slots=True)
class Fact:
    """One field of an entry; ``kind`` says how ``value`` is shown."""

    name: str
    kind: Kind
    value: Any


def facts(line: LogLine) -> list[Fact]:
    """Return everything an entry says beyond who, when, what and from where; what tells most stands first."""
    both = {**line.detail, **line.personal}
    names = [name for name in FIRST if name in both] + sorted(name for name in both if name not in FIRST)
    return [_fact(name, both[name]) for name in names if both[name] not in (None, "")]


def in_line(line: LogLine) -> list[Fact]:
    """Return the few facts that stand in an entry's line."""
    return [fact for fact in facts(line) if fact.name in FIRST][:_SHOWN_IN_LINE]


def _fact(name: str, value: Any) -> Fact:
    if value == ERASED:
        return Fact(name, "erased", "")
    if isinstance(value, bool):
        return Fact(name, "yes" if value else "no", "")
    if isinstance(value, int):
        return Fact(name, *_number(name, value))
    if name in _LINKED and isinstance(value, str):
        return Fact(name, _LINKED[name], value[:MAX_CHARACTERS])
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return Fact(name, "text", text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}…")


def _number(name: str, value: int) -> tuple[Kind, int]:
    if name.endswith("_us"):
        return ("time" if value >= _PLAUSIBLE_US else "length"), value
    if name == "hold":
        return "hold", value
    return ("size" if name in _SIZES else "text"), value


def as_cells(line: LogLine, meaning: str) -> list[object]:
    """Return an entry as the cells of a table (`COLUMNS`); times are UTC, nested values JSON."""
    return [
        line.seq,
        format_utc(line.at_us),
        line.action,
        meaning,
        line.who,
        line.where,
        _json(line.detail),
        _json(line.personal),
    ]


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True) if value else ""


def with_limit(lines: Iterator[LogLine], limit: int) -> Iterator[LogLine | None]:
    """Yield at most ``limit`` lines, then None where more were there: a file that was cut says so."""
    for number, line in enumerate(lines):
        if number == limit:
            yield None
            return
        yield line
