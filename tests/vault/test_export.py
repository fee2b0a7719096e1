"""Exported clips: the right frames at the right times, checked with real decoders and the real openssl."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.clock import SECOND_US
from appliance.errors import BadInputError, ConflictError, IntegrityError, MissingKeyError, NotFoundError, VaultError
from appliance.vault import export as export_module
from appliance.vault.clip import ClipClock
from appliance.vault.export import ExportResult, export_clip
from appliance.vault.format import export_message
from appliance.vault.keys import DeviceKey
from appliance.vault.keysource import FileKeys
from appliance.vault.manifest import Manifest, ManifestAnchor
from appliance.vault.recording import Recording
from tests.vault.recorded import DEVICE, WALL_US, Recorder, clock_at, file_keys, frame_numbers, movie

if TYPE_CHECKING:
    from pathlib import Path


def _sign(manifest: bytes) -> bytes:
    return DEVICE.sign(export_message(manifest))


def _export(vault: Path, begin: float, end: float, target: Path, **more: Any) -> ExportResult:
    from_us, to_us = (WALL_US + round(moment * SECOND_US) for moment in (begin, end))
    settings: dict[str, Any] = {"keys": file_keys(), "sign": _sign, "made_by": "somebody", **more}
    return export_clip(Recording(vault, "exam", "front"), from_us, to_us, target, **settings)


def _manifest(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def _shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=False)


class _Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_a_clip_holds_the_frames_of_its_range(two_parts: Path, tmp_path: Path) -> None:
    """The clip begins with the keyframe before, ends where asked, and every frame has its true time."""
    result = _export(two_parts, 1.5, 2.5, tmp_path / "a.mp4")
    frames = frame_numbers(result.file)
    assert frames == [(round(number / 10, 3), 10 + number) for number in range(15)]
    assert result.files[0].start_us == WALL_US + 1_000_000
    assert result.files[0].end_us == WALL_US + 2_500_000
    assert result.files[0].frames == 15


def test_gaps_and_parts_keep_their_time(two_parts: Path, tmp_path: Path) -> None:
    """Across a gap and a change of part, each frame lies as far from the clip's start as it did in the room."""
    frames = frame_numbers(_export(two_parts, 0, 20, tmp_path / "a.mp4").file)
    expected = [(n / 10, n) for n in range(30)] + [(n / 10 + 2.5, n) for n in range(30, 60)]
    expected += [(n / 10 + 9.5, n) for n in range(60)]
    assert [(round(at, 3), n) for at, n in expected] == frames


def test_ffprobe_finds_a_regular_file(two_parts: Path, tmp_path: Path) -> None:
    """Ffprobe reads the whole clip without a word of complaint, and finds its length and its date."""
    path = _export(two_parts, 0, 20, tmp_path / "a.mp4").file
    command = ["ffprobe", "-v", "warning", "-count_packets", "-show_streams", "-show_format", "-of", "json", str(path)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert done.stderr == ""
    probe = json.loads(done.stdout)
    assert probe["streams"][0]["nb_read_packets"] == "120"
    assert float(probe["format"]["duration"]) == pytest.approx(15.5, abs=0.11)
    assert probe["format"]["tags"]["creation_time"].startswith("2027-01-15T08:00:00")


def test_b_frames_and_sound_are_copied(tmp_path: Path) -> None:
    """A stream with reordered frames and sound comes out whole, in order, sound beside it."""
    import av

    Recorder(tmp_path / "vault", clock_at()).part(movie(4, b_frames=2, audio=True))
    path = _export(tmp_path / "vault", 0, 10, tmp_path / "a.mp4").file
    frames = frame_numbers(path)
    assert [number for _, number in frames] == list(range(40))
    with av.open(str(path)) as container:
        sound = sum(frame.samples for frame in container.decode(audio=0))
    assert sound == pytest.approx(4 * 16_000, abs=3 * 1024)


def test_the_pictures_are_copied_bit_for_bit(two_parts: Path, tmp_path: Path) -> None:
    """Every picture's encoded bytes are those that were sealed."""
    import av

    with av.open(str(_export(two_parts, 9.5, 20, tmp_path / "a.mp4").file)) as clip:
        copied = [bytes(packet) for packet in clip.demux(video=0) if packet.size]
    import io

    with av.open(io.BytesIO(movie(6))) as original:
        assert copied == [bytes(packet) for packet in original.demux(video=0) if packet.size]


def test_openssl_and_sha256sum_check_it(two_parts: Path, tmp_path: Path) -> None:
    """The commands that the manifest prints succeed as they stand, and fail once a byte was changed."""
    result = _export(two_parts, 0, 2, tmp_path / "it's mine.mp4")
    commands = _manifest(result.manifest)["how"]
    outputs = [_shell(one, tmp_path) for one in commands]
    assert [done.returncode for done in outputs] == [0, 0, 0, 0]
    assert outputs[0].stdout.startswith(_manifest(result.manifest)["file"]["sha256"])
    assert "Signature Verified Successfully" in outputs[2].stdout
    assert outputs[3].stdout.replace(" ", "").replace("\n", "") == DEVICE.public.hex()
    result.manifest.write_bytes(result.manifest.read_bytes().replace(b'"somebody"', b'"nobodyyy"'))
    after = [_shell(one, tmp_path) for one in commands]
    assert after[2].returncode != 0
    assert "Verified Successfully" not in after[2].stdout


def test_the_manifest_says_where_the_clip_came_from(two_parts: Path, tmp_path: Path) -> None:
    """File, range, parts with chain values, gaps and clock trust are stated as they are in the vault."""
    result = _export(two_parts, 1.5, 10.0, tmp_path / "a.mp4")
    manifest = _manifest(result.manifest)
    assert manifest["file"] == {
        "name": "a.mp4",
        "bytes": result.file.stat().st_size,
        "sha256": hashlib.sha256(result.file.read_bytes()).hexdigest(),
    }
    assert manifest["range"]["start_us"] == WALL_US + 1_000_000
    assert manifest["range"]["from_us"] == WALL_US + 1_500_000
    assert [gap["reason"] for gap in manifest["gaps"]] == ["camera_lost", "camera_lost"]
    assert manifest["clock"] == {"trusted": True}
    assert manifest["signed"] is True
    assert [part["part"] for part in manifest["parts"]] == [1, 2]
    for part in manifest["parts"]:
        with sqlite3.connect(two_parts / "exam" / "front" / f"{part['part']:04d}.sqlite") as connection:
            chains = dict(connection.execute("SELECT seq, chain FROM record"))
        assert part["records"]
        assert all(chains[seq].hex() == chain for seq, chain in part["records"])
        assert part["final_chain"] == chains[max(chains)].hex()


def test_a_change_of_the_stream_makes_several_files(tmp_path: Path) -> None:
    """Where the camera changed its picture size, each side becomes a file of its own with its own manifest."""
    recorder = Recorder(tmp_path / "vault", clock_at())
    recorder.part(movie(1))
    recorder.part(movie(1), opened="rollover")
    recorder.part(movie(2, size=(96, 64)), opened="stream_changed")
    result = _export(tmp_path / "vault", 0, 9, tmp_path / "a.mp4")
    assert [one.file.name for one in result.files] == ["a-1.mp4", "a-2.mp4"]
    assert [len(frame_numbers(one.file)) for one in result.files] == [20, 20]
    ranges = [_manifest(one.manifest)["range"] for one in result.files]
    assert ranges[0]["to_us"] == ranges[1]["from_us"] == ranges[1]["start_us"] == WALL_US + 2_000_000
    assert not (tmp_path / "a.mp4").exists()
    assert all(one.signature and one.signature.exists() for one in result.files)


def test_a_gap_too_long_for_mp4_makes_several_files(tmp_path: Path) -> None:
    """After 7 hours without a picture a second file begins, because MP4 cannot say how long that was."""
    recorder = Recorder(tmp_path / "vault", clock_at())
    recorder.part(movie(1))
    recorder.clock.advance(7 * 3600)
    recorder.part(movie(1), opened="restart")
    result = _export(tmp_path / "vault", 0, 8 * 3600, tmp_path / "a.mp4")
    assert [len(frame_numbers(one.file)) for one in result.files] == [10, 10]


def test_a_long_gap_fits_into_one_file(tmp_path: Path) -> None:
    """A camera that was away for 3 hours leaves one clip whose second half begins 3 hours later."""
    recorder = Recorder(tmp_path / "vault", clock_at())
    recorder.part(movie(1))
    recorder.clock.advance(3 * 3600)
    recorder.part(movie(1), opened="restart")
    frames = frame_numbers(_export(tmp_path / "vault", 0, 8 * 3600, tmp_path / "a.mp4").file)
    assert frames[10] == (10_801.0, 0)


def test_a_clock_that_steps_back_does_not_fold_the_clip(tmp_path: Path) -> None:
    """Two parts whose wall times overlap follow one another in the clip, as they did in the room."""
    recorder = Recorder(tmp_path / "vault", clock_at())
    recorder.part(movie(2))
    recorder.clock.step(-1.5)
    recorder.part(movie(2), opened="clock_step")
    frames = frame_numbers(_export(tmp_path / "vault", -5, 9, tmp_path / "a.mp4").file)
    assert frames == [(round(n / 10, 3), n) for n in range(20)] + [(round(n / 10 + 2, 3), n) for n in range(20)]


class _StopError(Exception):
    pass


@pytest.mark.parametrize("at", [0, 3, 8])
def test_cancelling_leaves_nothing_behind(two_parts: Path, tmp_path: Path, at: int) -> None:
    """An exception from the progress callback, early or late, ends the export without a trace."""
    calls = 0

    def progress(done: int, total: int) -> None:
        nonlocal calls
        calls += 1
        if calls > at:
            raise _StopError

    with pytest.raises(_StopError):
        _export(two_parts, 0, 20, tmp_path / "a.mp4", progress=progress)
    assert list(tmp_path.iterdir()) == []


def test_progress_grows_to_the_end(two_parts: Path, tmp_path: Path) -> None:
    """What is reported never falls and ends with all of the range."""
    seen: list[tuple[int, int]] = []
    _export(two_parts, 1, 14, tmp_path / "a.mp4", progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1] == (13 * SECOND_US, 13 * SECOND_US)
    assert len(seen) > 5


def test_a_failing_signature_leaves_nothing_behind(two_parts: Path, tmp_path: Path) -> None:
    """A signature by another key than the recording's is refused, and no clip stays without one."""
    other = DeviceKey.generate()
    with pytest.raises(MissingKeyError, match="not the device key"):
        _export(two_parts, 0, 2, tmp_path / "a.mp4", sign=lambda manifest: other.sign(export_message(manifest)))
    assert list(tmp_path.iterdir()) == []


def test_an_unsigned_export_says_so(two_parts: Path, tmp_path: Path) -> None:
    """Without a signature there is no signature file, and the manifest and its instructions say why."""
    result = _export(two_parts, 0, 2, tmp_path / "a.mp4", sign=None)
    manifest = _manifest(result.manifest)
    assert result.signature is None
    assert manifest["signed"] is False
    assert not (tmp_path / "a.manifest.sig").exists()
    assert not any("openssl" in line for line in manifest["how"])


def test_altered_material_is_not_exported(two_parts: Path, tmp_path: Path) -> None:
    """A flipped byte in a segment stops the export, and nothing of it stays."""
    vault = shutil.copytree(two_parts, tmp_path / "vault")
    with sqlite3.connect(vault / "exam" / "front" / "0001.sqlite") as connection:
        (data,) = connection.execute("SELECT data FROM record WHERE seq = 3").fetchone()
        connection.execute("UPDATE record SET data = ? WHERE seq = 3", (bytes([data[0] ^ 1]) + data[1:],))
    (tmp_path / "out").mkdir()
    with pytest.raises(IntegrityError):
        _export(vault, 0, 20, tmp_path / "out" / "a.mp4")
    assert list((tmp_path / "out").iterdir()) == []


def test_too_little_space_is_said_before_the_work(
    two_parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the clip does not fit, the export says how much it needs and begins nothing."""
    monkeypatch.setattr(export_module.shutil, "disk_usage", lambda _path: _Usage(10**9, 10**9 - 10_000, 10_000))
    with pytest.raises(VaultError, match="needs about"):
        _export(two_parts, 0, 20, tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_ever_replaced(two_parts: Path, tmp_path: Path) -> None:
    """A second export of the same name is refused, and the first stays as it was."""
    first = _export(two_parts, 0, 2, tmp_path / "a.mp4").file.read_bytes()
    with pytest.raises(ConflictError):
        _export(two_parts, 0, 3, tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").read_bytes() == first
    assert len(list(tmp_path.iterdir())) == 4


def test_ranges_without_pictures_are_refused(two_parts: Path, tmp_path: Path) -> None:
    """A range outside of the recording, inside a gap, or the wrong way round says what is wrong."""
    with pytest.raises(NotFoundError):
        _export(two_parts, 100, 200, tmp_path / "a.mp4")
    with pytest.raises(NotFoundError):
        _export(two_parts, 3.2, 5.2, tmp_path / "a.mp4")
    with pytest.raises(BadInputError):
        _export(two_parts, 5, 2, tmp_path / "a.mp4")
    with pytest.raises(BadInputError):
        _export(two_parts, 0, 2, tmp_path / "a.avi")
    with pytest.raises(VaultError):
        _export(two_parts, 0, 2, tmp_path / "nowhere" / "a.mp4")
    assert list(tmp_path.iterdir()) == []


def test_without_a_key_nothing_is_exported(two_parts: Path, tmp_path: Path) -> None:
    """A stranger's key gets an error, not a file."""
    with pytest.raises(MissingKeyError):
        _export(two_parts, 0, 2, tmp_path / "a.mp4", keys=FileKeys([("X25519", bytes(range(32)))]))
    assert list(tmp_path.iterdir()) == []


def _part_manifest(boot: str, wall_us: int, mono_us: int) -> Manifest:
    return Manifest(
        format="exambox-vault-1",
        part_id="00" * 16,
        box="box",
        sitting="exam",
        camera="front",
        part=1,
        aead="AES-256-GCM",
        suite="X25519",
        commitment="00" * 32,
        device_key="00" * 32,
        recipients=(),
        anchor=ManifestAnchor(wall_us=wall_us, mono_us=mono_us, boot_id=boot, trusted=True),
        previous=None,
        opened="start",
        masked=False,
        audio=False,
    )


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 10**7)),
        min_size=1,
        max_size=6,
    )
)
def test_the_clips_clock_never_runs_backwards_across_boots(parts: list[tuple[str, int, int, int]]) -> None:
    """Whatever the clocks of parts of different boots say, each part begins at or after the end of the one before."""
    clock = ClipClock()
    end = 0
    for number, (boot, wall, mono, length) in enumerate(parts):
        clock.enter(_part_manifest(f"{boot}{number}", wall, mono), mono)
        assert clock.place(mono) >= end
        end = clock.place(mono + length)
        assert end - clock.place(mono) == length
