"""Repeats of a warning shown as one line. For people's eyes only: the score counts on its own (``score.py``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from appliance.clock import SECOND_US
from appliance.exams.records import Warning as Flag
from appliance.exams.records import WarningKind

if TYPE_CHECKING:
    from collections.abc import Iterable


GAP_US: Final = 60 * SECOND_US
"""Warnings of a kind that follow within this time after the one before ends are repeats."""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Repeats of one kind in one session: from the first's start to the last end. ``open``: not judged by anybody."""

    session: str
    kind: WarningKind
    start_us: int
    end_us: int
    warnings: tuple[Flag, ...]

    @property
    def count(self) -> int:
        """How many warnings it stands for."""
        return len(self.warnings)

    @property
    def open(self) -> int:
        """How many of them nobody has judged yet."""
        return sum(warning.decision == "open" for warning in self.warnings)


def grouped(warnings: Iterable[Flag], *, gap_us: int = GAP_US) -> list[Group]:
    """Return the groups in order of their start; every warning is in exactly one, whatever order they come in."""
    groups: dict[tuple[str, str], list[Group]] = {}
    for warning in sorted(warnings, key=lambda one: (one.start_us, one.end_us, one.id)):
        known = groups.setdefault((warning.session, warning.kind), [])
        if known and warning.start_us <= known[-1].end_us + gap_us:
            last = known[-1]
            end_us = max(last.end_us, warning.end_us)
            known[-1] = msgspec.structs.replace(last, end_us=end_us, warnings=(*last.warnings, warning))
        else:
            known.append(
                Group(
                    session=warning.session,
                    kind=warning.kind,
                    start_us=warning.start_us,
                    end_us=max(warning.start_us, warning.end_us),
                    warnings=(warning,),
                )
            )
    found = [group for one in groups.values() for group in one]
    return sorted(found, key=lambda group: (group.start_us, group.session, group.kind))
