#!/usr/bin/env python3
"""Make the test vectors of vault format 1 (docs/vault-format.md, section 12).

Usage: ``python tools/make_vectors.py [FOLDER]``, by default ``tests/vectors/vault-format-1``.

Keys, part ids, part keys, times and pictures are the same in every run; HPKE encapsulation is random, so wrapped
keys, and with them manifests, chains and signatures, are not. The committed vectors are therefore the vectors: run
this again only when the format's text changes, and commit everything it wrote.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from vector_damage import DAMAGES, Insider
from vector_keys import AUDITOR, DEVICE, MISTAKEN, REVIEW, REVIEW_PQ, seeded, write_keys
from vector_media import FRAME_US, GROUP, Media, make_media
from vector_primitives import write_primitives

from appliance.clock import ManualClock
from appliance.vault.format import NO_KEY, NO_OFFSET, GapReason
from appliance.vault.part import Anchor, PartOpening, PartWriter, PreviousPart, WriterKeys
from appliance.vault.recover import recover_vault

BOX, SITTING, CAMERA = "box-1", "vectors", "room"
BOOT = "00000000-0000-4000-8000-000000000001"
CUTS = ((0, 5), (5, 10), (10, 13), (13, 18))
"""Segments, as frame numbers: the last one has its keyframe in the middle."""


@dataclass(slots=True)
class Case:
    """One entry of expected.json; the document says what each means."""

    case: str
    what: str
    passes: str | None = "full"
    fails: str | None = None
    code: str | None = None
    part: int | None = None
    seq: int | None = None
    open: bool = False
    ended: bool = False
    device_key: str = "device"
    keys: list[str] = field(default_factory=lambda: ["review"])
    sitting: str = SITTING
    camera: str = CAMERA


class Maker:
    """Writes vaults with a clock that moves only when told and keys that are public."""

    def __init__(self, root: Path, media: Media) -> None:
        self.root = root
        self.media = media
        self.clock = ManualClock()
        self.cases: list[Case] = []

    def folder(self, case: str) -> Path:
        """Return where a case's part files lie."""
        return self.root / case / SITTING / CAMERA

    def writer(
        self, case: str, *, part: int = 1, recipients: tuple[Any, ...] = (REVIEW, AUDITOR), **wish: Any
    ) -> PartWriter:
        """Open a part."""
        opening = PartOpening(
            sitting=SITTING,
            camera=CAMERA,
            part=part,
            opened="start" if part == 1 else wish.get("opened", "rollover"),
            previous=wish.get("previous"),
            masked=False,
            audio=False,
            masks_sha256=None,
            anchor=Anchor(self.clock.wall_us(), self.clock.mono_us(), BOOT, trusted=True),
            aead=wish.get("aead", "AES-256-GCM"),
        )
        return PartWriter.create(
            self.folder(case) / f"{part:04d}.sqlite",
            opening,
            WriterKeys(BOX, DEVICE, recipients),
            stream=self.media.description(),
            init=wish.get("init", self.media.init),
            clock=self.clock,
            trusted=lambda: True,
            random_bytes=seeded(f"{case} {part}"),
        )

    def segment(self, writer: PartWriter, cut: tuple[int, int], **wish: Any) -> None:
        """Write the frames of a cut as the next segment."""
        first, end = cut
        fragments = self.media.fragments[first:end]
        key = next((n for n in range(first, end) if n % GROUP == 0), None)
        plaintext = wish.get("plaintext", b"".join(fragments))
        start = writer.end_us + wish.get("late_us", 0)
        duration = (end - first) * FRAME_US
        has_key = key is not None
        self.clock.advance((start + duration - self.clock.mono_us()) / 1e6)
        writer.append_segment(
            start_us=start,
            duration_us=duration,
            media_us=first * FRAME_US,
            keyframe=key == first,
            key_us=start + (key - first) * FRAME_US if has_key else NO_KEY,
            key_offset=sum(map(len, fragments[: key - first])) + wish.get("key_shift", 0) if has_key else NO_OFFSET,
            discontinuity=wish.get("discontinuity", False),
            plaintext=plaintext,
            checkpoint=wish.get("checkpoint", False),
        )

    def gap(self, writer: PartWriter, seconds: float, reason: GapReason) -> None:
        """Write a gap."""
        self.clock.advance(seconds)
        writer.append_gap(writer.end_us, round(seconds * 1e6), reason)

    def fill(self, writer: PartWriter) -> None:
        """Write what most vectors hold: records 1 to 6, and a checkpoint that covers 2."""
        self.segment(writer, CUTS[0])
        self.segment(writer, CUTS[1], checkpoint=True)
        self.gap(writer, 2.5, GapReason.CAMERA_LOST)
        self.segment(writer, CUTS[2], discontinuity=True)
        writer.append_note({"type": "clock", "difference_us": 1234, "trusted": True})
        self.segment(writer, CUTS[3])

    def expect(self, case: str, what: str, **rest: Any) -> None:
        """Note what a case must give; pack its files small."""
        for path in sorted(self.folder(case).iterdir()):
            if path.suffix == ".sqlite":
                shrink(path)
        self.cases.append(Case(case, what, **rest))


def shrink(path: Path) -> None:
    """Rewrite a file with small pages, so that the vectors stay small; the rows stay as they are."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.execute("PRAGMA page_size=512")
    connection.execute("VACUUM")
    connection.close()


def make_good(maker: Maker) -> None:
    """Write the vaults in which nothing is wrong."""
    suites = (
        ("x25519-aes", (REVIEW, AUDITOR), "AES-256-GCM", "review", "X25519, two recipients"),
        ("mlkem-aes", (REVIEW_PQ,), "AES-256-GCM", "review-pq", "MLKEM768-X25519"),
        ("x25519-chacha20", (REVIEW, AUDITOR), "ChaCha20-Poly1305", "auditor", "opened by the second recipient"),
    )
    for name, recipients, aead, key, what in suites:
        writer = maker.writer(f"good/{name}", recipients=recipients, aead=aead)
        maker.fill(writer)
        writer.close()
        maker.expect(f"good/{name}", f"{aead}, {what}", keys=[key])
    make_gaps(maker)
    make_two_parts(maker)
    make_unclosed(maker)


def make_gaps(maker: Maker) -> None:
    """One part with a gap before its anchor, one of every reason, and a segment within the tiling tolerance."""
    writer = maker.writer("good/gaps-and-notes")
    writer.append_gap(writer.end_us - 3_000_000, 3_000_000, GapReason.INTERRUPTED)
    maker.segment(writer, CUTS[0], late_us=90_000, discontinuity=True)
    for reason in GapReason:
        maker.gap(writer, 1.5, reason)
        writer.append_note({"type": "clock", "difference_us": int(reason), "trusted": False})
    maker.segment(writer, (5, 7), late_us=-90_000)
    writer.close()
    maker.expect("good/gaps-and-notes", "a gap before the anchor, gaps of every reason, notes, tiles 90 ms apart")


def make_two_parts(maker: Maker) -> None:
    """Two parts, the second naming the first; and two where the first was abandoned and recovered later."""
    first = maker.writer("good/two-parts")
    maker.segment(first, CUTS[0])
    closed = first.close()
    second = maker.writer("good/two-parts", part=2, previous=PreviousPart(closed.part_id, closed.chain))
    maker.segment(second, CUTS[1])
    second.close()
    maker.expect("good/two-parts", "two parts, the second names the first", ended=True)

    case = "good/abandoned-then-recovered"
    first = maker.writer(case)
    maker.segment(first, CUTS[0])
    maker.segment(first, CUTS[1])
    first.abandon()
    maker.clock.advance(2)
    second = maker.writer(case, part=2, previous=first.acknowledged(), opened="error")
    maker.segment(second, CUTS[2])
    second.abandon()
    recover(maker, case, seconds=30)
    maker.expect(case, "the first part was abandoned; the second names its last record; both were recovered later")


def make_unclosed(maker: Maker) -> None:
    """A part recovered in the same boot, one after a reboot, and an open one."""
    for name, boot, what in (
        ("recovered", BOOT, "closed by recovery in the same boot"),
        ("recovered-after-reboot", BOOT[:-1] + "2", "closed by recovery after a reboot"),
    ):
        writer = maker.writer(f"good/{name}")
        maker.segment(writer, CUTS[0])
        maker.segment(writer, CUTS[1], checkpoint=True)
        maker.segment(writer, CUTS[2])
        writer.abandon()
        recover(maker, f"good/{name}", seconds=61, boot=boot)
        maker.expect(f"good/{name}", what, ended=True)
    writer = maker.writer("good/open")
    maker.segment(writer, CUTS[0])
    maker.segment(writer, CUTS[1], checkpoint=True)
    maker.segment(writer, CUTS[2])
    writer.abandon()
    maker.expect("good/open", "still being written: open, never verified", open=True)


def recover(maker: Maker, case: str, *, seconds: float, boot: str = BOOT) -> None:
    """Recover a case's vault after a while."""
    maker.clock.advance(seconds)
    mono = maker.clock.mono_us() if boot == BOOT else 7_000_000
    report = recover_vault(
        maker.root / case,
        WriterKeys(BOX, DEVICE, (REVIEW,)),
        now=Anchor(maker.clock.wall_us(), mono, boot, trusted=True),
    )
    if not report.recovered or report.damaged or report.failed:
        raise RuntimeError(f"{case}: {report}")


def make_bad(maker: Maker) -> None:
    """Write one whole part, and damage a copy of it for each case."""
    writer = maker.writer("base")
    maker.fill(writer)
    writer.close()
    shrink(maker.folder("base") / "0001.sqlite")
    for damage in DAMAGES:
        target = maker.folder(f"bad/{damage.name}")
        shutil.copytree(maker.folder("base"), target)
        damage.apply(target / "0001.sqlite", maker.folder("good/two-parts") / "0001.sqlite")
        maker.cases.append(Case(f"bad/{damage.name}", damage.what, **damage.expected))
    shutil.rmtree(maker.root / "base")
    make_bad_rows_of_parts(maker)
    make_bad_insiders(maker)


def make_bad_rows_of_parts(maker: Maker) -> None:
    """Recordings whose parts do not follow one another."""

    def three(case: str) -> Path:
        previous = None
        for number in (1, 2, 3):
            writer = maker.writer(case, part=number, previous=previous)
            maker.segment(writer, CUTS[number - 1])
            closed = writer.close()
            previous = PreviousPart(closed.part_id, closed.chain)
        return maker.folder(case)

    (three("bad/part-missing") / "0002.sqlite").unlink()
    maker.expect("bad/part-missing", "the middle one of three parts is missing", **_presence("part_number_hole", 3))
    (three("bad/first-part-missing") / "0001.sqlite").unlink()
    maker.expect("bad/first-part-missing", "the first part is missing", **_presence("part_number_hole", 2))

    case = "bad/part-of-another-recording"
    maker.segment(first := maker.writer(case), CUTS[0])
    first.close()
    second = maker.writer(case, part=2, previous=PreviousPart(bytes(16), bytes(32)))
    maker.segment(second, CUTS[1])
    second.close()
    maker.expect(case, "the second part names another part before it", **_presence("previous_mismatch", 2))

    case = "bad/middle-not-closed"
    maker.segment(first := maker.writer(case), CUTS[0])
    first.abandon()
    second = maker.writer(case, part=2, previous=first.acknowledged())
    maker.segment(second, CUTS[1])
    second.close()
    maker.expect(case, "the first part has no final checkpoint", **_presence("not_closed", 1))


def _presence(code: str, part: int) -> dict[str, Any]:
    return {"passes": None, "fails": "presence", "code": code, "part": part}


def make_bad_insiders(maker: Maker) -> None:
    """Parts that a box with its own device key signed although something in them is wrong."""
    for insider in (
        Insider("wrong-recipient", "the key is wrapped to somebody else than it says", "full", "unwrap_failed", None),
        Insider("tiling-hole", "101 ms without a segment or a gap", "chain", "tiling_hole", 2),
        Insider("fragment-cut", "a segment ends in the middle of a fragment", "full", "fragment_bad", 2),
        Insider("key-offset", "a keyframe's offset is off by one", "full", "key_offset_bad", 2),
        Insider("init-without-moov", "record 0 has no moov", "full", "fragment_bad", 0),
    ):
        case = f"bad/{insider.name}"
        wrong: dict[str, dict[str, Any]] = {
            "tiling-hole": {"late_us": 100_001},
            "fragment-cut": {"plaintext": b"".join(maker.media.fragments[5:10])[:-1]},
            "key-offset": {"key_shift": 1},
        }
        mistaken = MISTAKEN if insider.name == "wrong-recipient" else REVIEW
        init = maker.media.init[:28] if insider.name == "init-without-moov" else maker.media.init
        writer = maker.writer(case, recipients=(mistaken,), init=init)
        maker.segment(writer, CUTS[0])
        maker.segment(writer, CUTS[1], **wrong.get(insider.name, {}))
        writer.close()
        maker.expect(case, insider.what, **insider.expected())


def main(arguments: list[str]) -> None:
    """Write everything anew."""
    root = Path(arguments[0]) if arguments else Path("tests/vectors/vault-format-1")
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    maker = Maker(root, make_media(20))
    write_keys(root / "keys.json")
    write_primitives(root / "primitives.json")
    make_good(maker)
    make_bad(maker)
    good = maker.cases[0]
    maker.cases.append(
        Case(
            good.case,
            "another device was expected",
            passes="presence",
            fails="chain",
            code="device_unexpected",
            part=1,
            device_key="other-device",
        )
    )
    maker.cases.append(
        Case(good.case, "no key was given", passes="chain", fails="full", code="key_needed", part=1, keys=[])
    )
    text = json.dumps([asdict(case) for case in maker.cases], indent=1, sort_keys=True)
    (root / "expected.json").write_text(text + "\n", encoding="utf-8")
    size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    print(f"{len(maker.cases)} cases, {size / 1000:.0f} kB in {root}")


if __name__ == "__main__":
    main(sys.argv[1:])
