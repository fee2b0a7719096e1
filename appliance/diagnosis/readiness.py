"""Is the room ready? A decision over facts (pure); ``room.py`` collects them.

What is missing has a stable name and one sentence, made of a template so that it can be said in other languages. Only
what the box really saw counts: an answer that did not come is a finding, not a pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.diagnosis.result import Check

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_DETAIL: Final = 500
SEALED_WITHIN_MS: Final = 10_000
"""A camera whose newest sealed segment is older is not being recorded."""
_GB: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Hint:
    """What to do about a finding."""

    name: str
    text: str


_HINTS: Final = (
    Hint("cameras", "Look at the room's page: it says why a camera is lost."),
    Hint("recording", "It begins with the readiness check; look again in a moment, or at the room's page."),
    Hint("disk", "Let retention delete, release holds, or fit a larger disk."),
    Hint("clock", "Set up a time server, or compare with a clock you trust and say so as the reason."),
    Hint("keys", "An administrator looks at the keys' page."),
    Hint("certificate", "An administrator renews it: `exambox certs renew`."),
    Hint("usb", "An administrator looks at the USB page."),
    Hint("roster", "Import the roster, or add candidates by hand."),
    Hint("seats", "Import a seating plan, or choose the seats at admission."),
)
HINTS: Final[dict[str, str]] = {hint.name: hint.text for hint in _HINTS}
"""What to do about each thing; the keys are the names of findings."""


@dataclass(frozen=True, slots=True)
class CameraFact:
    """One camera as capture tells it; ``sealed_ms``: age of the newest sealed segment, None where there is none."""

    name: str
    state: str
    recording: bool = False
    sealed_ms: int | None = None
    alarm: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was seen.

    Attributes:
        cameras: those that are switched on; None where capture does not answer.
        capture: why capture does not answer, in words.
        wanted: whether the sitting's exams are recorded at all.
        wish: the sitting that is being recorded, empty for none.
        sitting: the one that is to be recorded.
        free: bytes the disk has before recording would stop; None where it cannot be asked.
        needed: bytes the planned time takes, at the rate measured or assumed.
        hours: how long is planned, with the lead.
        trusted: whether the wall clock is.
        keys, certificate, usb: findings of the box's own checks of them.
        roster: how many candidates are expected; ``unseated``: how many of them have no seat in a plan there is.
    """

    cameras: Sequence[CameraFact] | None
    capture: str = ""
    wanted: bool = True
    wish: str = ""
    sitting: str = ""
    free: int | None = None
    needed: int = 0
    hours: float = 0.0
    trusted: bool = True
    keys: Sequence[Check] = ()
    certificate: Sequence[Check] = ()
    usb: Sequence[Check] = ()
    roster: int = 0
    unseated: int = 0


def findings(facts: Facts) -> list[Check]:
    """Return what is missing (``fail``), and what is worth knowing and keeps nobody from being admitted (``warn``)."""
    box = (_disk(facts), _clock(facts), _keys(facts), _certificate(facts), *facts.usb)
    looked = (_cameras(facts), _recording(facts), *box)
    return [check for check in (*looked, *_people(facts)) if check is not None]


def noted(found: Sequence[Check]) -> dict[str, str]:
    """Return what an event notes of findings: each thing that is missing, in words; nothing where the room is ready."""
    return {check.name: check.message[:MAX_DETAIL] for check in found if check.state == "fail"}


def hint_for(name: str) -> str:
    """Return what to do about something that is missing."""
    return HINTS.get(name, "")


def _cameras(facts: Facts) -> Check | None:
    if not facts.wanted:
        return None
    if facts.cameras is None:
        return Check("cameras", "fail", f"The recording service does not answer: {facts.capture}", HINTS["cameras"])
    if not facts.cameras:
        return Check("cameras", "fail", "No camera is switched on.", HINTS["cameras"])
    lost = ", ".join(one.name for one in facts.cameras if one.state != "live")
    if lost:
        return Check("cameras", "fail", f"Cameras that do not deliver: {lost}.", HINTS["cameras"])
    return None


def _recording(facts: Facts) -> Check | None:
    """Say what keeps recording from being real: what was sealed is looked at, not what was wished."""
    if not facts.wanted or not facts.cameras:
        return None
    if not facts.wish:
        return Check("recording", "fail", "Nothing is being recorded yet.", HINTS["recording"])
    stale = ", ".join(one.name for one in facts.cameras if one.state == "live" and not _is_sealed(one))
    if stale:
        return Check("recording", "fail", f"Cameras whose pictures are not being sealed: {stale}.", HINTS["recording"])
    if facts.wish != facts.sitting:
        hint = "It covers the room as well. To have a recording of the sitting's own, stop that one before the check."
        return Check("recording", "warn", f"The room is recorded under another name: {facts.wish}.", hint)
    return None


def _is_sealed(camera: CameraFact) -> bool:
    fresh = camera.sealed_ms is not None and camera.sealed_ms <= SEALED_WITHIN_MS
    return camera.recording and fresh and not camera.alarm


def _disk(facts: Facts) -> Check | None:
    if not facts.wanted:
        return None
    if facts.free is None:
        return Check("disk", "fail", "The disk cannot be asked for its space.", HINTS["disk"])
    if facts.free >= facts.needed:
        return None
    free, needed, hours = f"{facts.free / _GB:.1f}", f"{facts.needed / _GB:.1f}", f"{facts.hours:.1f}"
    told = f"The disk has room for {free} GB of recording; the planned {hours} h take about {needed} GB."
    return Check("disk", "fail", told, HINTS["disk"])


def _clock(facts: Facts) -> Check | None:
    if facts.trusted:
        return None
    return Check("clock", "fail", "The clock is not synchronised: times are not proven.", HINTS["clock"])


def _keys(facts: Facts) -> Check | None:
    bad = next((check for check in facts.keys if check.state in {"fail", "warn"}), None)
    return None if bad is None else Check("keys", "fail", bad.message, bad.hint)


def _certificate(facts: Facts) -> Check | None:
    bad = next((check for check in facts.certificate if check.state in {"fail", "warn"}), None)
    return None if bad is None else Check("certificate", bad.state, bad.message, bad.hint)


def _people(facts: Facts) -> list[Check]:
    if not facts.roster:
        return [Check("roster", "fail", "Nobody is on the roster.", HINTS["roster"])]
    if facts.unseated:
        return [Check("seats", "warn", f"Candidates without a planned seat: {facts.unseated}.", HINTS["seats"])]
    return []


def needed_bytes(*, cameras: int, bytes_an_hour: int, length_us: int, assumed_kbit: int = 4000) -> int:
    """Return what recording takes: at the rate that was measured, or at what cameras usually send.

    Args:
        cameras: how many record.
        bytes_an_hour: of all together, 0 where nothing is recorded yet.
        length_us: for how long.
        assumed_kbit: of one camera, a second.
    """
    rate = bytes_an_hour or cameras * assumed_kbit * 1000 // 8 * 3600
    return rate * length_us // 3_600_000_000
