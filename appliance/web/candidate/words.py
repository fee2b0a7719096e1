"""What the candidate is told, in plain words: what they wait for, when their time is over and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from babel.dates import format_datetime

from appliance.web.candidate.steps import Cover, Wait
from appliance.web.language import current_language, ngettext
from appliance.web.language import gettext as _
from appliance.web.words import moment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import tzinfo

    from appliance.exams.rules import Rules
    from appliance.exams.timing import Reason, ReasonKind

_MINUTE_US: Final = 60_000_000
_HOUR_MINUTES: Final = 60
_HALF_DAY_US: Final = 12 * 60 * _MINUTE_US
_DAY_PATTERNS: Final = {"en": "EEEE d MMMM, HH:mm", "de": "EEEE, d. MMMM, HH:mm"}


def clock_words(wall_us: int, zone: tzinfo, *, now_us: int) -> str:
    """Return ``11:40`` in the room's zone; with the day where it is neither today nor within half a day."""
    then = moment(wall_us, zone)
    if then.date() == moment(now_us, zone).date() or abs(wall_us - now_us) < _HALF_DAY_US:
        return then.strftime("%H:%M")
    return str(format_datetime(then, _DAY_PATTERNS[current_language()], locale=current_language()))


def day_words(wall_us: int, zone: tzinfo) -> str:
    """Return ``Tuesday 1 December, 10:00`` in the room's zone: what is booked days ahead always has its day."""
    return str(format_datetime(moment(wall_us, zone), _DAY_PATTERNS[current_language()], locale=current_language()))


def amount_words(amount_us: int) -> str:
    """Return ``10 min``, ``1 h 30 min`` or ``45 s``; nothing is rounded away that a candidate could miss."""
    seconds = abs(amount_us) // 1_000_000
    minutes, rest = divmod(seconds, 60)
    if not minutes:
        return _("%(seconds)s s", seconds=rest)
    if rest:
        return _("%(minutes)s min %(seconds)s s", minutes=minutes, seconds=f"{rest:02d}")
    hours, minutes_left = divmod(minutes, _HOUR_MINUTES)
    if hours and minutes_left:
        return _("%(hours)s h %(minutes)s min", hours=hours, minutes=f"{minutes_left:02d}")
    if hours:
        return ngettext("%(num)s hour", "%(num)s hours", hours)
    return ngettext("%(num)s minute", "%(num)s minutes", minutes)


def wait_words(wait: Wait, *, start: str = "", last: str = "") -> tuple[str, str]:
    """Return heading and sentence for what a candidate waits for.

    Args:
        wait: what it is.
        start: when the exam is to begin, or may be begun, in words; empty where nobody knows.
        last: until when it may be begun, in words.
    """
    return _WAITS[wait](start, last)


def _nothing(_start: str, _last: str) -> tuple[str, str]:
    return _("One moment"), _("The page goes on by itself.")


def _no_sitting(start: str, last: str) -> tuple[str, str]:
    told = _("The room's box does not know yet where and when you take this exam. Please tell the invigilator.")
    when = _("It can be taken from %(start)s to %(last)s.", start=start, last=last) if start and last else ""
    return _("Please speak to the invigilator"), f"{told} {when}".strip()


def _room(start: str, _last: str) -> tuple[str, str]:
    told = _("The room is being prepared. You need not do anything; the page goes on by itself.")
    when = _("The exam is planned for %(start)s.", start=start) if start else ""
    return _("The room is not open yet"), f"{when} {told}".strip()


def _identity(_start: str, _last: str) -> tuple[str, str]:
    return (
        _("The invigilator checks your identity"),
        _("Have your document ready and wait for the invigilator. The page goes on by itself."),
    )


def _seat(_start: str, _last: str) -> tuple[str, str]:
    return (
        _("You have no seat yet"),
        _("Please ask the invigilator for your seat. The page goes on by itself when it is entered."),
    )


def _window(start: str, _last: str) -> tuple[str, str]:
    return (
        _("It is too early to begin"),
        _("You can begin at %(start)s. Stay on this page; it goes on by itself.", start=start),
    )


def _start(start: str, _last: str) -> tuple[str, str]:
    told = _("All is ready. The invigilator starts the exam for everybody; the page goes on by itself.")
    when = _("The exam is planned for %(start)s.", start=start) if start else ""
    return _("The exam has not started yet"), f"{told} {when}".strip()


def _held_up(_start: str, _last: str) -> tuple[str, str]:
    return _("The exam is paused"), _("You can begin when the invigilator lets the exam go on. You lose no time.")


def _ready(_start: str, _last: str) -> tuple[str, str]:
    return _("You can begin"), _("Your time runs from the moment you press the button.")


def _too_late(_start: str, last: str) -> tuple[str, str]:
    told = _("Please speak to the invigilator, who can let you begin late.")
    when = _("The last start was at %(last)s.", last=last) if last else ""
    return _("The last start has passed"), f"{when} {told}".strip()


def _over(_start: str, _last: str) -> tuple[str, str]:
    return _("This exam is over in this room"), _("You did not begin it. Please speak to the invigilator.")


def _refused(_start: str, _last: str) -> tuple[str, str]:
    return (
        _("You were not admitted to this exam"),
        _("The invigilator has noted why. Please speak to them; they can admit you again."),
    )


def _withdrawn(_start: str, _last: str) -> tuple[str, str]:
    return (
        _("You are no longer registered for this exam in this room"),
        _("Please speak to the invigilator if this is a mistake."),
    )


def _transferred(_start: str, _last: str) -> tuple[str, str]:
    return _("You take this exam in another room or at another time"), _("The invigilator can tell you where and when.")


def _unregistered(_start: str, _last: str) -> tuple[str, str]:
    return (
        _("You are no longer registered for this exam"),
        _("It was taken back where you booked it. Go back there if this is a mistake."),
    )


_WAITS: Final[dict[Wait, Callable[[str, str], tuple[str, str]]]] = {
    Wait.NOTHING: _nothing,
    Wait.ADMISSION: _nothing,
    Wait.NO_SITTING: _no_sitting,
    Wait.ROOM: _room,
    Wait.IDENTITY: _identity,
    Wait.SEAT: _seat,
    Wait.WINDOW: _window,
    Wait.START: _start,
    Wait.HELD_UP: _held_up,
    Wait.READY: _ready,
    Wait.TOO_LATE: _too_late,
    Wait.OVER: _over,
    Wait.REFUSED: _refused,
    Wait.WITHDRAWN: _withdrawn,
    Wait.TRANSFERRED: _transferred,
    Wait.UNREGISTERED: _unregistered,
}


def cover_words(cover: Cover) -> tuple[str, str]:
    """Return heading and sentence for what lies over the exam; empty ones for nothing."""
    match cover:
        case Cover.PAUSED:
            return _("Your exam is paused"), _("What you wrote stays. The exam goes on when the invigilator says so.")
        case Cover.ALL_PAUSED:
            return (
                _("The exam is paused for everybody"),
                _("What you wrote stays. The exam goes on when the invigilator says so."),
            )
        case Cover.BREAK:
            return _("You are on a break"), _("What you wrote stays. Tell the invigilator when you are back.")
        case _:
            return "", ""


def state_words(cover: Cover) -> str:
    """Return the one word of the bar above the exam."""
    return {Cover.PAUSED: _("Paused"), Cover.ALL_PAUSED: _("Paused"), Cover.BREAK: _("On a break")}.get(
        cover, _("Exam in progress")
    )


def reason_words(reason: Reason) -> str:
    """Return one amount of an end as the candidate is told it; nothing for what needs no words."""
    amount = amount_words(reason.amount_us)
    if reason.kind in {"extra", "extra_all"} and reason.why:
        return _("Extra time: +%(amount)s (%(why)s).", amount=amount, why=reason.why.rstrip("."))
    extra, pause = _("Extra time: +%(amount)s.", amount=amount), _("The pause was added: +%(amount)s.", amount=amount)
    told: dict[ReasonKind, str] = {
        "planned_extra": _("You have extra time: %(amount)s.", amount=amount),
        "extra": extra,
        "extra_all": extra,
        "pause": pause,
        "pause_all": pause,
        "break": _("The break was added: +%(amount)s.", amount=amount),
        "late": _("You began after the common start: %(amount)s less.", amount=amount),
        "practice_cap": _("Practice lasts 20 minutes at most."),
    }
    return told.get(reason.kind, "")


def allowed_words(rules: Rules) -> tuple[Sequence[str], Sequence[str]]:
    """Return what is allowed and what is not, in words."""
    words = {
        "paper": _("Paper and pen"),
        "calculator": _("A calculator of your own"),
        "websites": _("Websites"),
        "books": _("Books and notes"),
        "messengers": _("Messengers and chats"),
        "excel": _("Spreadsheets"),
        "human_assistant": _("Help by another person"),
        "absence_in_frame": _("Leaving your place"),
        "voices": _("Speaking"),
        "wrong_gaze_direction": _("Looking away from the screen for long"),
    }
    return [words[name] for name in rules.allowed()], [words[name] for name in rules.forbidden()]


def calculator_words(calculator: str) -> str:
    """Return what the exam page offers for reckoning; nothing where it offers none."""
    return {
        "simple": _("The exam page has a calculator."),
        "scientific": _("The exam page has a scientific calculator."),
    }.get(calculator, "")
