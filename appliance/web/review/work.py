"""What exports and verifications do in their own threads, and how their outcome is said."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

from appliance import auditlog
from appliance.cameras.wishes import current_wish
from appliance.clock import SECOND_US
from appliance.database import connect
from appliance.errors import BadInputError
from appliance.vault.device_key import load_device_public
from appliance.vault.export import export_clip
from appliance.vault.format import check_name
from appliance.vault.part_rows import deleted_parts
from appliance.vault.verify import verify_recording
from appliance.web.review import opening
from appliance.web.words import moment

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.vault.export import ExportedFile
    from appliance.vault.findings import Level, VerifyReport
    from appliance.vault.part_rows import DeletedPart
    from appliance.vault.recording import Recording
    from appliance.web.jobs import Job
    from appliance.web.services import Services

MAX_EXPORT_US = 12 * 3600 * SECOND_US
LEVELS = ("presence", "chain", "full")
FINDINGS_SHOWN = 50
_STEPS = 1000


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """Which stretch of wall time (microseconds) of which recordings of a sitting, for whom."""

    recordings: tuple[Recording, ...]
    from_us: int
    to_us: int
    person: str
    where: str

    def check(self) -> None:
        """Refuse what cannot be exported.

        Raises:
            BadInputError: no camera, or the stretch is empty, too long, or outside of every recording.
            VaultError: no part of a recording can be read.
        """
        if self.to_us <= self.from_us:
            raise BadInputError("The end must be later than the beginning.")
        if self.to_us - self.from_us > MAX_EXPORT_US:
            raise BadInputError("At most 12 hours go into one clip.", hint="Export it in several pieces.")
        if not self.inside():
            raise BadInputError("That time lies outside this recording.", hint="Choose a stretch on the timeline.")

    def inside(self) -> tuple[Recording, ...]:
        """Return the recordings that reach into the stretch."""
        return tuple(one for one in self.recordings if self.to_us > one.start_us and self.from_us < one.end_us)


@dataclass(frozen=True, slots=True)
class CheckOrder:
    """Which recordings of a sitting to verify, how deeply, for whom."""

    sitting: str
    cameras: tuple[str, ...]
    level: Level
    person: str
    where: str


def level_of(text: str) -> Level:
    """Return a level of verification.

    Raises:
        BadInputError: there is no such level.
    """
    if text not in LEVELS:
        raise BadInputError(f"level: {text[:40]!r} is not one of {', '.join(LEVELS)}.")
    return cast("Level", text)


def export(box: Services, order: ExportOrder, job: Job) -> dict[str, Any]:
    """Make a clip of each camera, with its sidecars, in the job's folder.

    Returns ``files`` (each with camera, kind, name, bytes; clips with their SHA-256) and ``left_out``: the
    cameras that recorded nothing in the stretch.
    """
    chosen = order.inside()
    made = [
        (recording, file)
        for number, recording in enumerate(chosen)
        for file in _clip(box, order, recording, job, Share(number, len(chosen)))
    ]
    return {
        "files": [{"camera": recording.camera, **facts} for recording, file in made for facts in _files(file)],
        "left_out": [one.camera for one in order.recordings if one not in chosen],
    }


@dataclass(frozen=True, slots=True)
class Share:
    """One of several pieces of work that count alike: what it has done, as a part of the whole."""

    number: int
    pieces: int

    def of(self, done: int, total: int) -> tuple[int, int]:
        """Return done and total of the whole (pure)."""
        return self.number * _STEPS + done * _STEPS // max(1, total), self.pieces * _STEPS


def _clip(box: Services, order: ExportOrder, recording: Recording, job: Job, share: Share) -> tuple[ExportedFile, ...]:
    stamp = moment(order.from_us, box.zone).strftime("%Y%m%d-%H%M%S")
    made = export_clip(
        recording,
        order.from_us,
        order.to_us,
        job.folder / f"{recording.sitting}-{recording.camera}-{stamp}.mp4",
        keys=opening.keys_for(box.keyring, order.person),
        sign=lambda manifest: box.keyring.sign_export(manifest, order.person),
        made_by=order.person,
        progress=lambda done, total: job.progress(*share.of(done, total)),
    )
    _log(
        box,
        "recording.exported",
        order.person,
        order.where,
        sitting=recording.sitting,
        camera=recording.camera,
        from_us=order.from_us,
        to_us=order.to_us,
        # More than one file where the camera's stream changed inside the stretch.
        sha256=[clip.sha256 for clip in made.files],
    )
    return made.files


def _files(clip: ExportedFile) -> list[dict[str, Any]]:
    beside = [("manifest", clip.manifest), ("signature", clip.signature), ("device key", clip.device_pem)]
    return [
        {**_file("clip", clip.file), "sha256": clip.sha256},
        *(_file(kind, path) for kind, path in beside if path is not None),
    ]


def check(box: Services, order: CheckOrder, job: Job) -> dict[str, Any]:
    """Verify recordings; return the outcome of each camera in words with the findings."""
    outcomes = [
        {"camera": camera, **_check(box, order, camera, job, Share(number, len(order.cameras)))}
        for number, camera in enumerate(order.cameras)
    ]
    return {"ok": all(one["ok"] for one in outcomes), "cameras": outcomes}


def _check(box: Services, order: CheckOrder, camera: str, job: Job, share: Share) -> dict[str, Any]:
    keys = opening.keys_for(box.keyring, order.person) if order.level == "full" else None
    deleted, ended = _known(box, order.sitting)
    report = verify_recording(
        box.settings.vault_dir,
        check_name(order.sitting, "sitting"),
        check_name(camera, "camera"),
        order.level,
        device_key=load_device_public(box.settings.keys_dir),
        keys=keys,
        ended=ended,
        deleted=deleted,
        progress=lambda done, total: job.progress(*share.of(done, total)),
    )
    _log(
        box, "recording.verified", order.person, order.where,
        sitting=order.sitting, camera=camera, level=order.level, ok=report.ok,
    )  # fmt: skip
    return {
        "ok": report.ok,
        "open": report.open,
        "words": verdict(report, order.level),
        "counts": asdict(report.counts),
        "findings": [
            {"code": item.code, "part": item.part, "seq": item.seq, "message": item.message}
            for item in report.findings[:FINDINGS_SHOWN]
        ],
    }


def _known(box: Services, sitting: str) -> tuple[list[DeletedPart], bool]:
    """Return the sitting's deletion certificates, and whether the box knows that it is over."""
    db = connect(box.settings.database)
    try:
        wish = current_wish(db)
        deleted = [part for part in deleted_parts(db) if part.sitting == sitting]
    finally:
        db.conn.close()
    return deleted, wish is None or wish.sitting != sitting


def verdict(report: VerifyReport, level: Level) -> str:
    """Return the outcome of a verification in one or two sentences (pure); English, said anew at the web's edge."""
    if not report.ok:
        count = len(report.findings) + report.left_out
        told = "Not as it was sealed: 1 finding." if count == 1 else f"Not as it was sealed: {count} findings."
        return told  # noqa: RET504  a name whose texts the catalogue takes up
    reason = {
        "presence": "Every part is there.",
        "chain": "Nothing was altered, removed or added: every seal and signature is right.",
        "full": "Nothing was altered, removed or added, and every picture opens.",
    }[level]
    if report.open:
        told = f"{reason} So far: the recording is still open; verify it again when it has ended."
        return told  # noqa: RET504  a name whose texts the catalogue takes up
    return reason


def _file(kind: str, path: Path) -> dict[str, Any]:
    return {"kind": kind, "name": path.name, "bytes": path.stat().st_size}


def _log(box: Services, action: str, who: str, where: str, **detail: Any) -> None:
    db = connect(box.settings.database)
    try:
        auditlog.append(db, action, clock=box.clock, who=who, where=where, detail=detail)
    finally:
        db.conn.close()
