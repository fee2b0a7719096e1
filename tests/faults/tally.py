"""What the fault tests count, for the table at the end of ``make test-faults``."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Line:
    """One test's figures; seconds where times are meant, None where a figure does not apply."""

    what: str
    faults: dict[str, int] = field(default_factory=dict)
    acknowledged: int = 0
    lost: int = 0
    gaps: int = 0
    worst_resume: float | None = None
    worst_loss: float | None = None


LINES: list[Line] = []


def count(line: Line) -> None:
    """Add a test's figures to the table."""
    LINES.append(line)


def table() -> list[str]:
    """Return the table's lines."""
    head = f"{'test':<34}{'acknowledged':>13}{'lost':>6}{'gaps':>6}{'resume s':>10}{'loss s':>8}  faults"
    rows = [head]
    for line in LINES:
        resume = "-" if line.worst_resume is None else f"{line.worst_resume:.2f}"
        loss = "-" if line.worst_loss is None else f"{line.worst_loss:.2f}"
        faults = ", ".join(f"{number} {kind}" for kind, number in sorted(line.faults.items()))
        rows.append(
            f"{line.what:<34}{line.acknowledged:>13}{line.lost:>6}{line.gaps:>6}{resume:>10}{loss:>8}  {faults}"
        )
    faults = sum(sum(line.faults.values()) for line in LINES)
    sealed, lost = sum(line.acknowledged for line in LINES), sum(line.lost for line in LINES)
    rows.append(f"{faults} faults injected, {sealed} segments acknowledged, {lost} lost")
    return rows
