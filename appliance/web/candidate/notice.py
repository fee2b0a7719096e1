"""The notice: what is recorded here, for how long, who may see it. Made of the box's present settings, never by hand.

Its version is its edition, its language and a hash of its words; each version that was shown is kept as a file
(``state/web/notices/<version>.txt``), so that what somebody agreed to can be read again after years.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance import log
from appliance.cameras.store import list_cameras
from appliance.exams.methods import traits_of
from appliance.web.language import current_language, ngettext
from appliance.web.language import gettext as _
from appliance.web.words import hours_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlite_utils import Database

    from appliance.cameras.model import Camera
    from appliance.config import Settings
    from appliance.exams.model import Exam

EDITION: Final = "2026-1"
"""To be changed when a sentence means something else than before; the hash changes with every word."""
_VERSION: Final = re.compile(r"[0-9]{4}-[0-9]{1,3}-[a-z]{2}-[0-9a-f]{16}")
_LOG = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Notice:
    """What is shown: questions with their answers, and the version the log names."""

    version: str
    sections: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def text(self) -> str:
        """All of it as plain text."""
        return _text_of(self.sections)


def notice_for(db: Database, settings: Settings, exam: Exam) -> Notice:
    """Return the notice for a candidate of an exam, in the reader's language."""
    cameras = [camera for camera in list_cameras(db) if camera.enabled]
    sections = tuple(_sections(cameras, settings, exam))
    digest = hashlib.sha256(_text_of(sections).encode()).hexdigest()[:16]
    return Notice(f"{EDITION}-{current_language()}-{digest}", sections)


def keep_notice(folder: Path, notice: Notice) -> None:
    """Keep the words of a version; a disk that takes nothing is told to the journal and stops nobody."""
    path = folder / f"{notice.version}.txt"
    if not _VERSION.fullmatch(notice.version) or path.exists():
        return
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(notice.text)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        return
    except OSError as problem:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        _LOG.error("a notice could not be kept", version=notice.version, reason=problem.strerror)


def _text_of(sections: Sequence[tuple[str, tuple[str, ...]]]) -> str:
    return "\n\n".join("\n".join([heading, *sentences]) for heading, sentences in sections) + "\n"


def _sections(cameras: Sequence[Camera], settings: Settings, exam: Exam) -> list[tuple[str, tuple[str, ...]]]:
    traits = traits_of(exam.method)
    recorded = bool(cameras) and traits.recorded
    return [
        (_("What is recorded"), tuple(_recorded(cameras, exam, recorded=recorded))),
        *([(_("For how long it is kept"), tuple(_kept(cameras)))] if recorded else []),
        (_("Who may see it"), tuple(_seen_by(exam, recorded=recorded))),
        (_("Why, and by what right"), tuple(_why(cameras, settings))),
        (
            _("What you can ask for"),
            (
                _("You can ask the centre what is kept about you, and have mistakes corrected."),
                _("Software never fails anybody here: it may point something out, a person decides."),
            ),
        ),
    ]


def _recorded(cameras: Sequence[Camera], exam: Exam, *, recorded: bool) -> list[str]:
    told = []
    if recorded:
        told.append(
            ngettext(
                "%(num)s camera films the room while you take the exam: %(names)s.",
                "%(num)s cameras film the room while you take the exam: %(names)s.",
                len(cameras),
                names=", ".join(camera.name for camera in cameras),
            )
        )
        told.append(
            _("Sound is recorded by: %(names)s.", names=", ".join(one.name for one in cameras if one.audio))
            if any(camera.audio for camera in cameras)
            else _("No sound is recorded.")
        )
        told.append(_("Recordings are sealed as they are made, so that nobody can read or change them unseen."))
    else:
        told.append(_("No pictures of this exam are recorded by this box."))
    told.append(_("The box writes down when you arrive, begin, pause and finish, and what the invigilator notes."))
    if exam.identification != "skip":
        told.append(_("Your identity is checked. The number of your document is never kept whole."))
    return told


def _kept(cameras: Sequence[Camera]) -> list[str]:
    longest = max(camera.retention_hours for camera in cameras)
    return [
        _("Pictures are deleted after %(time)s, by the box itself.", time=hours_words(longest)),
        _("They are kept for longer only while somebody named holds them with a written reason, for an appeal."),
    ]


def _seen_by(exam: Exam, *, recorded: bool) -> list[str]:
    told = [_("The invigilator sees the room now, on the box's own screen.")]
    if recorded:
        told.append(_("Reviewers, the centre manager and administrators can play recordings; each time is in the log."))
    if traits_of(exam.method).reviewed:
        told.append(_("A reviewer's conclusion and its reasons go to the institution whose exam this is."))
    told.append(_("The institution whose exam this is learns when you agreed, began and finished."))
    return told


def _why(cameras: Sequence[Camera], settings: Settings) -> list[str]:
    grounds = sorted({(camera.purpose, camera.lawful_basis) for camera in cameras})
    told = [_("%(purpose)s. Lawful basis: %(basis)s.", purpose=why, basis=basis) for why, basis in grounds]
    return [*told, _("Responsible: the centre that runs this room (%(room)s).", room=settings.box.room)]
