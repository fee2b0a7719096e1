from __future__ import annotations

import errno
import grp
import os
import pwd
from typing import TYPE_CHECKING

import pytest

from appliance.errors import MissingKeyError, VaultError
from appliance.vault import key_files

if TYPE_CHECKING:
    from pathlib import Path

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")


def names(folder: Path) -> list[str]:
    """Return what is in a folder."""
    return [path.name for path in folder.iterdir()]


def mode(path: Path) -> int:
    """Return a file's permission bits."""
    return path.stat().st_mode & 0o7777


def test_a_key_file_is_never_written_over(tmp_path: Path) -> None:
    """Creating a file that is there fails and leaves it, and no copy of the new one lies about."""
    path = tmp_path / "a.key"
    key_files.write_new(path, b"first", key_files.OWN)
    with pytest.raises(FileExistsError):
        key_files.write_new(path, b"second", key_files.OWN)
    assert path.read_bytes() == b"first"
    assert names(tmp_path) == ["a.key"]


def test_modes_do_not_depend_on_the_umask(tmp_path: Path) -> None:
    """Private files are the owner's alone, public ones everybody's to read, whatever the umask."""
    for umask in (0o000, 0o077):
        before = os.umask(umask)
        try:
            key_files.replace(tmp_path / "own", b"x", key_files.OWN)
            key_files.replace(tmp_path / "public", b"x", key_files.PUBLIC)
        finally:
            os.umask(before)
        assert (mode(tmp_path / "own"), mode(tmp_path / "public")) == (0o600, 0o644)


def test_group_rights_are_given_only_to_the_group_that_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the group of signing processes does not exist, the device key is its owner's alone."""

    def unknown(name: str) -> grp.struct_group:
        raise KeyError(name)

    monkeypatch.setattr(grp, "getgrnam", unknown)
    key_files.write_new(tmp_path / "device.key", b"x", key_files.DEVICE)
    assert mode(tmp_path / "device.key") == 0o600


@root_only
def test_root_gives_each_key_to_the_process_that_uses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the box's accounts there, owner, group and mode are exactly as documented."""
    nobody = pwd.getpwnam("nobody")
    monkeypatch.setattr(pwd, "getpwnam", lambda name: nobody if name == "exambox-keyring" else pwd.getpwuid(0))
    monkeypatch.setattr(grp, "getgrnam", lambda _name: grp.getgrgid(nobody.pw_gid))
    key_files.write_new(tmp_path / "review.key", b"x", key_files.REVIEW)
    key_files.write_new(tmp_path / "device.key", b"x", key_files.DEVICE)
    review, device = (tmp_path / "review.key").stat(), (tmp_path / "device.key").stat()
    assert (review.st_uid, review.st_mode & 0o777) == (nobody.pw_uid, 0o600)
    assert (device.st_uid, device.st_gid, device.st_mode & 0o777) == (0, nobody.pw_gid, 0o640)
    (tmp_path / "device.key").chmod(0o644)
    key_files.restore_access(tmp_path / "device.key", key_files.DEVICE)
    assert mode(tmp_path / "device.key") == 0o640


@pytest.mark.parametrize("call", ["fsync", "fchmod", "link"])
def test_a_failing_disk_leaves_the_old_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """Whatever step fails, there is the old file or none, and no leftover with a key in it."""

    def fail(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "a.key"
    monkeypatch.setattr(os, call, fail)
    with pytest.raises(VaultError, match="cannot be written"):
        key_files.write_new(path, b"new", key_files.OWN)
    assert names(tmp_path) == []


def test_leftovers_of_a_killed_process_are_cleared(tmp_path: Path) -> None:
    """A temporary file with a key nobody uses does not outlive the next change."""
    (tmp_path / ".review.key.0badf00d.tmp").write_bytes(b"secret")
    with key_files.locked(tmp_path):
        assert names(tmp_path) == []


def test_unusable_files_say_what_to_do(tmp_path: Path) -> None:
    """Missing, too large and not readable are told apart."""
    with pytest.raises(MissingKeyError, match="missing"):
        key_files.read(tmp_path / "none", "review key")
    with pytest.raises(MissingKeyError, match="cannot be read"):
        key_files.read(tmp_path, "review key")
    (tmp_path / "big").write_bytes(b"x" * (key_files.MAX_KEY_FILE_BYTES + 1))
    with pytest.raises(MissingKeyError, match="too large"):
        key_files.read(tmp_path / "big", "review key")
    with pytest.raises(MissingKeyError, match="cannot be opened"), key_files.locked(tmp_path / "none"):
        pass
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(VaultError, match="cannot be written"):
        key_files.make_keys_dir(tmp_path / "file" / "keys")
