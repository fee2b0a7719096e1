"""The one way into a session's archive: the browser's pass is for it, and what it opens is there still."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.errors import ApplianceError, NotFoundError
from appliance.integrations.store import get_integration
from appliance.sittings.sessions import get_session, recordings_of
from appliance.web import headers
from appliance.web.candidate.addresses import origins_of
from appliance.web.candidate.known import origins_of_lms
from appliance.web.language.asked import speak
from appliance.web.review.archive_limits import Stretch
from appliance.web.review.archive_pass import ArchivePass, sent_pass
from appliance.web.services import database, services

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appliance.exams.model import Integration
    from appliance.sittings.values import RecordingRange, StoredSession


class NoArchivePassError(ApplianceError):
    """This browser has no pass for this session's archive, or none that is good any more."""

    code = "archive.no_pass"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "This recording is not open in this browser.",
            hint="Go back to where you opened it, and open it again from there.",
        )


@dataclass(frozen=True, slots=True)
class OpenArchive:
    """A session's archive that was opened with a pass."""

    held: ArchivePass
    session: StoredSession
    ranges: Sequence[RecordingRange]

    def stretch(self, sitting: str, camera: str | None = None) -> Stretch:
        """Return the stretch of a sitting's recording that is the session's.

        Raises:
            NotFoundError: nothing of that sitting, or of that camera, is.
        """
        found = [one for one in self.ranges if one.sitting == sitting and (camera is None or camera in one.cameras)]
        if not found:
            raise NotFoundError("There is no such recording of this session.")
        return Stretch(min(one.from_us for one in found), max(one.to_us for one in found))

    def cameras(self, sitting: str) -> list[str]:
        """Return the cameras of a sitting that belong to the session."""
        return sorted({camera for one in self.ranges if one.sitting == sitting for camera in one.cameras})


def open_archive(session: str) -> OpenArchive:
    """Return the archive of whoever asks; from then on the answer is in the reviewer's language.

    Raises:
        NoArchivePassError: no pass, one for another session, one whose time is over, or the integration is off.
    """
    now_us = services().clock.wall_us()
    held = sent_pass(session, now_us)
    if held is None:
        raise NoArchivePassError
    return opened_with(held, now_us)


def opened_with(held: ArchivePass, now_us: int) -> OpenArchive:
    """Return the archive a pass opens.

    Raises:
        NoArchivePassError: as `open_archive`.
    """
    db = database()
    speak(held.language)
    try:
        session = get_session(db, held.session)
        active = get_integration(db, session.integration).is_active
    except NotFoundError as problem:
        raise NoArchivePassError from problem
    if not active:
        raise NoArchivePassError
    return OpenArchive(held, session, recordings_of(db, session, now_us=now_us))


def let_lms_frame_it(known: Integration, session: StoredSession | None = None) -> None:
    """Let the LMS's pages show this answer in a frame of theirs, and no other page."""
    origins = origins_of_lms(known) | (
        origins_of((session.session_url, session.finish_url)) if session else frozenset()
    )
    headers.be_framed_by(*sorted(origins))
