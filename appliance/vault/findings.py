"""What a verifier reports. The codes and their order are those of ``docs/vault-format.md``, section 10."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Level = Literal["presence", "chain", "full"]
Code = Literal[
    "not_a_part",
    "manifest_bad",
    "part_number_hole",
    "previous_mismatch",
    "not_closed",
    "device_unexpected",
    "recipient_mismatch",
    "record_hole",
    "header_bad",
    "header_foreign",
    "column_mismatch",
    "length_mismatch",
    "chain_mismatch",
    "tiling_hole",
    "checkpoint_signature",
    "checkpoint_bad",
    "checkpoint_mismatch",
    "final_not_last",
    "final_missing",
    "key_needed",
    "unwrap_failed",
    "commitment_mismatch",
    "decrypt_failed",
    "fragment_bad",
    "key_offset_bad",
]
MAX_FINDINGS = 500


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be.

    ``part`` is the part's number; ``seq`` the record's, for the ``checkpoint_`` codes the checkpoint's, and None where
    the finding is about no one record (that is there).
    """

    code: Code
    part: int
    seq: int | None
    message: str


@dataclass(slots=True)
class Findings:
    """Findings in order, at most `MAX_FINDINGS`: a file that is nothing but damage must not fill the memory."""

    items: list[Finding] = field(default_factory=list)
    left_out: int = 0

    def add(self, code: Code, part: int, seq: int | None, message: str) -> None:
        """Keep one finding, or count it where there are too many."""
        self.take(Finding(code, part, seq, message))

    def take(self, finding: Finding) -> None:
        """Keep a finding made elsewhere."""
        if len(self.items) < MAX_FINDINGS:
            self.items.append(finding)
        else:
            self.left_out += 1

    def extend(self, other: Findings) -> None:
        """Append all of another list."""
        for finding in other.items:
            self.take(finding)
        self.left_out += other.left_out


@dataclass(frozen=True, slots=True)
class DeletedPart:
    """A part that a deletion certificate accounts for; ``part_id`` and ``chain`` (its last value) as hex."""

    number: int
    part_id: str
    chain: str | None


@dataclass(slots=True)
class Counts:
    """What was gone through."""

    parts: int = 0
    deleted: int = 0
    records: int = 0
    segments: int = 0
    gaps: int = 0
    checkpoints: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The outcome for one recording.

    Attributes:
        ok: nothing was found. Read it together with ``open``.
        open: the last part has no final checkpoint: it can only be called "open, verified up to ``verified_to``",
            never "verified".
        verified_to: ``(part, seq)`` of the last record gone through, None at level presence.
        left_out: findings beyond `MAX_FINDINGS` that are only counted.
    """

    sitting: str
    camera: str
    level: Level
    ok: bool
    open: bool
    verified_to: tuple[int, int] | None
    findings: tuple[Finding, ...]
    left_out: int
    counts: Counts

    @property
    def verdict(self) -> str:
        """One line for a person."""
        if not self.ok:
            count = len(self.findings) + self.left_out
            return f"NOT VERIFIED: {count} finding{'' if count == 1 else 's'}"
        if self.open and self.verified_to:
            return f"open, verified up to record {self.verified_to[1]} of part {self.verified_to[0]} ({self.level})"
        return f"open, {self.level} checked" if self.open else f"verified ({self.level})"

    def as_dict(self) -> dict[str, Any]:
        """Return everything, JSON-ready."""
        return {**asdict(self), "verdict": self.verdict}
