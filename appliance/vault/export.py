"""Exporting a clip with a signed manifest beside it: ``docs/vault-format.md``, section 11."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from appliance.clock import SystemClock, format_utc
from appliance.errors import BadInputError, NotFoundError, VaultError
from appliance.vault.clip import MAX_GAP_US, ClipWriter, StreamShape, write_failed
from appliance.vault.export_files import WorkFiles, already_there
from appliance.vault.export_manifest import build_manifest, device_pem, encode_manifest, signed_by
from appliance.vault.playback import iter_playback

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from appliance.clock import Clock
    from appliance.vault.facts import Gap, PartFacts
    from appliance.vault.keysource import KeySource
    from appliance.vault.playback import Piece
    from appliance.vault.recording import Recording

Progress = Callable[[int, int], None]
"""Called with microseconds of the range done and in all."""
Sign = Callable[[bytes], bytes]
"""Takes the manifest's bytes and returns the device key's signature of them (format, section 11)."""

SPACE_MARGIN_BYTES = 16 * 1024 * 1024
_SUFFIXES = (".mp4", ".manifest.json", ".manifest.sig", ".device.pem")


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """One clip and what lies beside it; ``signature`` is None where it was asked not to sign.

    Times are wall time as delivered, microseconds.
    """

    file: Path
    manifest: Path
    signature: Path | None
    device_pem: Path
    sha256: str
    start_us: int
    end_us: int
    frames: int
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What was exported: more than one file where the camera's stream changed inside the range."""

    files: tuple[ExportedFile, ...]

    @property
    def file(self) -> Path:
        """The first clip."""
        return self.files[0].file

    @property
    def manifest(self) -> Path:
        """The first clip's manifest."""
        return self.files[0].manifest

    @property
    def signature(self) -> Path | None:
        """The first clip's signature."""
        return self.files[0].signature


@dataclass(frozen=True, slots=True)
class _Order:
    """What was asked for."""

    recording: Recording
    from_us: int
    to_us: int
    keys: KeySource
    sign: Sign | None
    made_by: str
    made_us: int
    progress: Progress


@dataclass(slots=True)
class Clip:
    """One file under way, and the records it was made of: by part, ``(seq, chain)``."""

    writer: ClipWriter
    shape: StreamShape
    records: dict[int, list[tuple[int, bytes]]] = field(default_factory=dict)
    parts: dict[int, PartFacts] = field(default_factory=dict)

    def note(self, piece: Piece) -> None:
        """Remember a record that went into the file."""
        self.parts[piece.part.number] = piece.part
        self.records.setdefault(piece.part.number, []).append((piece.seq, piece.chain))


def export_clip(
    recording: Recording,
    from_us: int,
    to_us: int,
    target: Path,
    *,
    keys: KeySource,
    sign: Sign | None,
    made_by: str,
    progress: Progress | None = None,
    clock: Clock | None = None,
) -> ExportResult:
    """Copy ``[from_us, to_us)`` of wall time into an MP4 file, bit for bit as the camera encoded it.

    The clip begins with the last keyframe at or before ``from_us``; its manifest says where. Gaps stay as long as
    they were. Where the camera changed its stream, or nothing came for 6 hours, ``name-1.mp4``, ``name-2.mp4`` and so
    on are made instead of ``name.mp4``, each with its own manifest. Memory does not grow with the pictures. Whatever
    fails, or an exception from ``progress``, leaves no file behind.

    Args:
        recording: what to export from.
        from_us: wall time, microseconds.
        to_us: wall time, microseconds.
        target: ``<folder>/<name>.mp4``.
        keys: opens the parts.
        sign: signs the manifest; None: the manifest says that nobody did.
        made_by: the person, for the manifest.
        progress: called as the range is gone through.
        clock: dates the manifest.

    Raises:
        BadInputError: the range is empty, or the target is no ``.mp4``.
        NotFoundError: nothing was recorded in the range.
        ConflictError: a file of that name exists.
        VaultError, IntegrityError: the recording cannot be read, or the files cannot be written.
        MissingKeyError, LockedError, UnavailableError: as the key source does, or the signature is not the box's.
    """
    if from_us >= to_us:
        raise BadInputError("The range is empty: it ends before it begins.", hint="Give --from before --to.")
    if target.suffix != ".mp4":
        raise BadInputError(f"{target.name} is no name for a clip.", hint="It must end in .mp4.")
    _check_room(recording, from_us, to_us, target)
    made_us = (clock or SystemClock()).wall_us()
    order = _Order(recording, from_us, to_us, keys, sign, made_by, made_us, progress or (lambda _done, _all: None))
    work = WorkFiles(target)
    try:
        clips = list(_copy(order, work))
        if not clips:
            raise NotFoundError(
                f"Nothing was recorded from {format_utc(from_us)} to {format_utc(to_us)}.",
                hint=f"This recording lasts from {format_utc(recording.start_us)} to {format_utc(recording.end_us)}.",
            )
        windows = _windows(clips, from_us, to_us)
        names = _names(target, len(clips))
        files = [
            _finish(order, work, clip, window, name) for clip, window, name in zip(clips, windows, names, strict=True)
        ]
        work.publish()
        return ExportResult(tuple(files))
    except OSError as problem:
        raise write_failed(target, problem) from problem
    finally:
        work.clean()


def _check_room(recording: Recording, from_us: int, to_us: int, target: Path) -> None:
    """Refuse before the work begins: names that are taken, a folder that is not there, too little space."""
    for name in (target.stem, f"{target.stem}-1"):
        for suffix in _SUFFIXES:
            path = target.with_name(name + suffix)
            if path.exists():
                raise already_there(path)
    try:
        free = shutil.disk_usage(target.parent).free
    except OSError as problem:
        raise write_failed(target, problem) from problem
    needed = estimate_bytes(recording, from_us, to_us) + SPACE_MARGIN_BYTES
    if free < needed:
        raise VaultError(
            f"The clip needs about {needed / 1e6:.0f} MB, and {target.parent} has {free / 1e6:.0f} MB free.",
            hint="Export a shorter range, or to another disk.",
        )


def estimate_bytes(recording: Recording, from_us: int, to_us: int) -> int:
    """Return about how large a clip becomes, from the sizes of its parts."""
    total = 0
    for part in recording.parts:
        length = max(1, part.end_us - part.start_us)
        shared = min(to_us, part.end_us) - max(from_us, part.start_us)
        total += part.bytes * max(0, min(shared, length)) // length
    return total


def _copy(order: _Order, work: WorkFiles) -> Iterator[Clip]:
    """Yield each clip when it is complete."""
    clip: Clip | None = None
    init: Piece | None = None
    fresh = False
    length = order.to_us - order.from_us
    for piece in iter_playback(order.recording, order.from_us, order.to_us, order.keys, purpose="export"):
        if piece.kind == "init":
            init, fresh = piece, True
        elif piece.kind == "segment" and init is not None:
            after = _continue(clip, init, piece, work) if clip is None or fresh or _is_far(clip, piece) else clip
            if clip is not None and after is not clip and _complete(clip):
                yield clip
            clip, fresh = after, False
            if clip.writer.add(piece, init.data, order.to_us):
                clip.note(piece)
        order.progress(min(max(piece.end_us - order.from_us, 0), length), length)
    if clip is not None and _complete(clip):
        yield clip
    order.progress(length, length)


def _continue(clip: Clip | None, init: Piece, piece: Piece, work: WorkFiles) -> Clip:
    """Return the clip that takes this segment: the one under way if its file can hold it, else a new one."""
    shape = StreamShape.of(init.data, piece.data)
    if clip is not None and clip.shape == shape and not _is_far(clip, piece):
        return clip
    return Clip(work.writer(), shape)


def _is_far(clip: Clip, piece: Piece) -> bool:
    return clip.writer.start_us is not None and piece.start_us - clip.writer.end_us > MAX_GAP_US


def _complete(clip: Clip) -> bool:
    """Close a clip's file; return whether there is anything in it."""
    clip.writer.close()
    return clip.writer.start_us is not None


def _names(target: Path, count: int) -> list[str]:
    return [target.stem] if count == 1 else [f"{target.stem}-{number}" for number in range(1, count + 1)]


def _windows(clips: list[Clip], from_us: int, to_us: int) -> list[tuple[int, int]]:
    """Return the share of the asked range that each of the files answers."""
    inner = [clip.writer.start_us or from_us for clip in clips[1:]]
    return list(zip([from_us, *inner], [*inner, to_us], strict=True))


def _finish(order: _Order, work: WorkFiles, clip: Clip, window: tuple[int, int], name: str) -> ExportedFile:
    """Write what lies beside a clip."""
    video, beside, signature, pem = (work.target.with_name(name + suffix) for suffix in _SUFFIXES)
    digest, size = _hash(clip.writer.path)
    start_us, end_us = clip.writer.start_us or 0, clip.writer.end_us
    gaps = tuple(order.recording.gaps(min(start_us, window[0]), window[1]))
    parts = [clip.parts[number] for number in sorted(clip.parts)]
    device_key = parts[-1].manifest.device_key
    body = encode_manifest(
        build_manifest(
            name=name,
            bytes_=size,
            sha256=digest,
            asked=window,
            delivered=(start_us, end_us),
            parts=parts,
            records=clip.records,
            gaps=gaps,
            made_by=order.made_by,
            made_us=order.made_us,
            signed=order.sign is not None,
        )
    )
    work.take(clip.writer.path, video)
    work.put(beside, body)
    work.put(pem, device_pem(device_key))
    if order.sign is not None:
        work.put(signature, signed_by(device_key, body, order.sign))
    return ExportedFile(
        file=video,
        manifest=beside,
        signature=signature if order.sign is not None else None,
        device_pem=pem,
        sha256=digest,
        start_us=start_us,
        end_us=end_us,
        frames=clip.writer.frames,
        gaps=gaps,
    )


def _hash(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
