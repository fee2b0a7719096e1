"""Verifying a recording at three levels: ``docs/vault-format.md``, section 10. The checks are in `checks`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from appliance.errors import ApplianceError, IntegrityError, MissingKeyError, NotFoundError
from appliance.vault.checks import CheckpointChecks, RecordChecks, content_problem, recipients_problem
from appliance.vault.facts import check_place
from appliance.vault.findings import Counts, Findings, Level, VerifyReport
from appliance.vault.format import Kind, check_name
from appliance.vault.keysource import UnwrapError
from appliance.vault.part_connection import DamagedFileError, NotRecoveredError
from appliance.vault.part_files import PartFile, recording_files
from appliance.vault.reader import PartReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from appliance.vault.crypto import RecordCipher
    from appliance.vault.findings import Code
    from appliance.vault.format import Header
    from appliance.vault.keysource import KeySource
    from appliance.vault.manifest import ManifestPrevious
    from appliance.vault.reader import StoredRecord

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""


class DeletedLike(Protocol):
    """A part that a deletion certificate accounts for; ``chain`` is its last value in hex, if it was known."""

    @property
    def number(self) -> int:
        """The part's number."""
        ...

    @property
    def part_id(self) -> str:
        """The part's id, hex."""
        ...

    @property
    def chain(self) -> str | None:
        """The part's last chain value, hex."""
        ...


@dataclass(slots=True)
class _Run:
    """One verification under way."""

    level: Level
    device_key: bytes | None
    keys: KeySource | None
    ended: bool
    deleted: dict[int, DeletedLike]
    progress: Progress
    total: int
    done: int = 0
    findings: Findings = field(default_factory=Findings)
    counts: Counts = field(default_factory=Counts)
    verified_to: tuple[int, int] | None = None
    open: bool = False

    def add(self, code: Code, part: int, message: str, seq: int | None = None) -> None:
        self.findings.add(code, part, seq, message)

    def went(self, count: int) -> None:
        self.done = min(self.done + count, self.total)
        self.progress(self.done, self.total)


def verify_recording(
    vault_dir: Path,
    sitting: str,
    camera: str,
    level: Level,
    *,
    device_key: bytes | None = None,
    keys: KeySource | None = None,
    ended: bool = False,
    deleted: Iterable[DeletedLike] = (),
    progress: Progress | None = None,
) -> VerifyReport:
    """Verify every part of a recording and how they follow one another. Reads only; the parts may be in use.

    Args:
        vault_dir: the vault, or a copy of it.
        sitting: which recording.
        camera: which recording.
        level: ``presence``, ``chain`` (everything that can be said without a key) or ``full``.
        device_key: the raw public key that must have signed; None: the one each part names.
        keys: opens the parts at level full.
        ended: the recording is known to be over, so that an open last part is a finding.
        deleted: parts accounted for by a deletion certificate; their absence is no hole.
        progress: called as bytes are gone through.

    Raises:
        NotFoundError: there is no such recording.
        VaultError: the disk or the permissions do not let it be read.
        LockedError, UnavailableError: the keyring does not give keys.
    """
    check_name(sitting, "sitting")
    check_name(camera, "camera")
    files = recording_files(vault_dir, sitting, camera)
    if not files:
        raise NotFoundError(
            f"There is no recording {sitting}/{camera}.", hint="`exambox recordings list` shows what there is."
        )
    run = _Run(
        level=level,
        device_key=device_key,
        keys=keys,
        ended=ended,
        deleted={part.number: part for part in deleted},
        progress=progress or (lambda _done, _total: None),
        total=sum(file.path.stat().st_size for file in files),
    )
    _verify_parts(run, files)
    run.went(run.total)
    return VerifyReport(
        sitting=sitting,
        camera=camera,
        level=level,
        ok=not run.findings.items,
        open=run.open,
        verified_to=run.verified_to,
        findings=tuple(run.findings.items),
        left_out=run.findings.left_out,
        counts=run.counts,
    )


def _verify_parts(run: _Run, files: list[PartFile]) -> None:
    before: PartFile | None = None
    for file in files:
        last = file is files[-1]
        _numbers(run, file, before)
        before = file
        run.counts.parts += 1
        try:
            with PartReader(file.path) as reader:
                _verify_part(run, file, reader, last=last)
        except DamagedFileError as problem:
            run.add("not_a_part", file.number, problem.message)
        except NotRecoveredError as problem:
            run.open = last
            run.add("not_closed", file.number, problem.message)
        except IntegrityError as problem:
            run.add("manifest_bad", file.number, problem.message)


def _numbers(run: _Run, file: PartFile, before: PartFile | None) -> None:
    """Each number that is missing before this part must have a deletion certificate."""
    expected = before.number + 1 if before else 1
    missing = range(expected, file.number)
    certified = [number for number in sorted(run.deleted) if number in missing]
    run.counts.deleted += len(certified)
    if len(certified) < len(missing):
        first = next(number for number in missing if number not in run.deleted)
        run.add("part_number_hole", file.number, f"part {first} is missing, and no certificate says it was deleted")


def _verify_part(run: _Run, file: PartFile, reader: PartReader, *, last: bool) -> None:
    closed_at = _presence(run, file, reader, last=last)
    if closed_at is None or run.level == "presence":
        run.went(file.path.stat().st_size if run.level == "presence" else 0)
        return
    number = file.number
    if run.device_key is not None and reader.manifest.device_key != run.device_key.hex():
        run.add("device_unexpected", number, "the part was signed by another device key than the expected one")
    wrong = _recipients(reader)
    if wrong:
        run.add("recipient_mismatch", number, wrong)
    contents = Findings()
    cipher = _cipher(run, number, reader, contents) if run.level == "full" else None
    records = RecordChecks.of(number, reader.manifest, reader.manifest_body)
    _records(run, reader, records, cipher, contents)
    run.findings.extend(records.found)
    run.findings.extend(records.tiling)
    _checkpoints(run, reader, number, records.next_seq - 1, closed=closed_at, ended=run.ended and last)
    run.findings.extend(contents)
    run.verified_to = (number, records.next_seq - 1)


# Presence


def _presence(run: _Run, file: PartFile, reader: PartReader, *, last: bool) -> bool | None:
    """Check what level presence says; return whether the part is closed, None where it is no part at all."""
    first = reader.checkpoint_from(0)
    if not reader.has_record(0) or first is None or first.n != 0:
        run.add("not_a_part", file.number, "record 0 or checkpoint 0 is missing")
        return None
    try:
        check_place(reader.manifest, file)
    except IntegrityError as problem:
        run.add("manifest_bad", file.number, problem.message)
    closed = reader.has_final()
    _previous(run, file, reader)
    if not closed and not last:
        run.add("not_closed", file.number, "it has no final checkpoint although another part follows")
    run.open = last and not closed
    return closed


def _previous(run: _Run, file: PartFile, reader: PartReader) -> None:
    """The manifest must name the part before: the file beside it, or what its deletion certificate says."""
    stated = reader.manifest.previous
    number = file.number - 1
    if number == 0:
        wrong = "it is the first part and names one before it" if stated else ""
    elif (path := file.path.with_name(f"{number:04d}.sqlite")).is_file():
        wrong = _previous_problem(path, stated)
    elif number in run.deleted:
        gone = run.deleted[number]
        fits = stated is not None and stated.part_id == gone.part_id and gone.chain in (None, stated.chain)
        wrong = "" if fits else "it does not name the deleted part before it"
    else:
        return  # the hole in the numbers is a finding of its own
    if wrong:
        run.add("previous_mismatch", file.number, wrong)


def _previous_problem(path: Path, stated: ManifestPrevious | None) -> str:
    try:
        with PartReader(path) as before:
            if stated is None or stated.part_id != before.manifest.part_id:
                return "it does not name the part before it"
            final = before.last_checkpoint()
            if final is None or not final.final or final.chain == stated.chain:
                return ""
            if final.reason == "recovered" and before.has_chain(bytes.fromhex(stated.chain)):
                return ""
            return "it names another end of the part before it"
    except ApplianceError:
        return ""  # the part before has its own finding


# Chain


def _recipients(reader: PartReader) -> str:
    try:
        return recipients_problem(reader.manifest, reader.recipients())
    except IntegrityError as problem:
        return problem.message


def _records(
    run: _Run, reader: PartReader, checks: RecordChecks, cipher: RecordCipher | None, contents: Findings
) -> None:
    """Go through the records there are now; what is appended meanwhile is left for another time."""
    try:
        for record in _rows(reader):
            header = checks.check(record)
            run.counts.records += 1
            run.counts.bytes += len(record.data)
            run.counts.segments += header is not None and header.kind is Kind.SEGMENT
            run.counts.gaps += header is not None and header.kind is Kind.GAP
            if cipher is not None and header is not None and header.kind is not Kind.GAP:
                _content(checks.part, record, header, cipher, contents)
            run.went(len(record.data))
    except IntegrityError as problem:
        checks.found.add(
            "record_hole", checks.part, None, f"record {checks.next_seq} on cannot be read: {problem.message}"
        )


def _rows(reader: PartReader) -> Iterator[StoredRecord]:
    return reader.records(reader.first_seq(), reader.last_seq())


def _checkpoints(run: _Run, reader: PartReader, number: int, last_seq: int, *, closed: bool, ended: bool) -> None:
    checks = CheckpointChecks(number, reader.manifest)
    last_n = reader.last_checkpoint_n()
    try:
        while (row := reader.checkpoint_from(checks.next_n)) is not None and row.n <= last_n:
            checkpoint = checks.check(row)
            run.counts.checkpoints += 1
            if checkpoint is not None:
                checks.mismatch(checkpoint, row.n, reader.chain_of(checkpoint.seq))
    except IntegrityError as problem:
        checks.found.add("checkpoint_bad", number, checks.next_n, problem.message)
    run.findings.extend(checks.found)
    final = checks.final
    if closed and final is not None and (final[0] != last_n or final[1] < last_seq):
        run.add("final_not_last", number, "a record or a checkpoint follows the final checkpoint")
    if ended and not closed:
        run.add("final_missing", number, "the recording is over, but its last part has no final checkpoint")


# Full


def _cipher(run: _Run, number: int, reader: PartReader, contents: Findings) -> RecordCipher | None:
    if run.keys is None:
        contents.add("key_needed", number, None, "level full needs a recipient's private key")
        return None
    try:
        return reader.cipher(run.keys.part_key(reader, "verify"))
    except UnwrapError as problem:
        contents.add("unwrap_failed", number, None, problem.message)
    except MissingKeyError as problem:
        contents.add("key_needed", number, None, problem.message)
    except IntegrityError as problem:
        contents.add("commitment_mismatch", number, None, problem.message)
    return None


def _content(part: int, record: StoredRecord, header: Header, cipher: RecordCipher, contents: Findings) -> None:
    try:
        plaintext = cipher.open(record.seq, record.header, record.data)
    except (IntegrityError, OverflowError):
        contents.add("decrypt_failed", part, record.seq, f"record {record.seq} does not decrypt")
        return
    wrong = content_problem(header, plaintext)
    if wrong:
        contents.add(wrong[0], part, record.seq, f"record {record.seq} {wrong[1]}")
