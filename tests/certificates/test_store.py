"""The certificates on the disk: made, renewed, replaced, never half of anything."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import ssl
import stat
import threading
from typing import TYPE_CHECKING

import pytest

from appliance.certificates import store as module
from appliance.certificates.names import Names, names_of
from appliance.certificates.pem import pem_of
from appliance.certificates.store import CertificateStore
from appliance.errors import ApplianceError, BadInputError, ConflictError, NotFoundError
from tests.certificates.made import NAMES, NOW, by_centre, centre

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> CertificateStore:
    """A box with an authority and a certificate."""
    made = CertificateStore(tmp_path / "tls")
    made.create("Room 1", NAMES, NOW)
    return made


def serves(store: CertificateStore) -> bool:
    """Whether the files are a pair that a server can use."""
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*store.pair())
    return True


def test_private_keys_are_for_their_owner_alone(store: CertificateStore) -> None:
    """Nobody else reads a key; certificates are for all, also beneath a careful umask."""
    before = os.umask(0o077)
    try:
        store.renew(NAMES, NOW)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (store.folder / "current").iterdir()}
    assert modes == {"ca.key": 0o600, "ca.pem": 0o644, "server.key": 0o600, "server.pem": 0o644}
    assert stat.S_IMODE((store.folder / "current").stat().st_mode) == 0o755


def test_a_group_may_read_the_servers_key_and_no_other(tmp_path: Path) -> None:
    """On a provisioned box the dashboard's group reads the server's key, not the authority's."""
    group = os.getgroups()[-1] if os.getgroups() else os.getgid()
    store = CertificateStore(tmp_path / "tls", group)
    store.create("Room 1", NAMES, NOW)
    assert (stat.S_IMODE(store.key_file.stat().st_mode), store.key_file.stat().st_gid) == (0o640, group)
    assert stat.S_IMODE((store.folder / "current" / "ca.key").stat().st_mode) == 0o600


def test_renewal_keeps_the_authority(store: CertificateStore) -> None:
    """Devices notice nothing: the authority stays, the certificate and its key are new, names may be more."""
    before, key = store.facts(), store.key_file.read_bytes()
    after = store.renew(names_of([*NAMES.words(), "second.local"]), NOW + dt.timedelta(days=370))
    assert after.ca_sha256 == before.ca_sha256
    assert after.sha256 != before.sha256
    assert store.key_file.read_bytes() != key
    assert "second.local" in after.names.dns
    assert serves(store)


@pytest.mark.parametrize(
    ("days", "names", "due"),
    [(0, NAMES, False), (366, NAMES, False), (368, NAMES, True), (500, NAMES, True), (0, names_of(["new.local"]), True),
     (0, names_of(["room-1"]), False), (0, names_of(["bank.example"]), False), (-1, NAMES, True)],
)  # fmt: skip
def test_it_is_renewed_in_time_and_for_new_names(store: CertificateStore, days: int, names: Names, due: bool) -> None:
    """Thirty days before its end, before its beginning, or when the machine is called something it could cover."""
    assert store.is_due(names, NOW + dt.timedelta(days=days)) is due


def test_the_last_certificate_of_an_authority_is_not_renewed_for_ever(store: CertificateStore) -> None:
    """Where a new one would end no later, there is nothing to be gained each hour."""
    store.renew(NAMES, NOW + dt.timedelta(days=3640))
    assert not store.is_due(NAMES, NOW + dt.timedelta(days=3641))


def test_names_it_may_not_speak_for_are_left_out(store: CertificateStore) -> None:
    """A machine that got a foreign address keeps a certificate for its other names, and the rest is named."""
    moved = names_of([*NAMES.words(), "203.0.113.9", "bank.example"])
    assert store.renew(moved, NOW).names == NAMES
    assert store.refused(moved).words() == ["bank.example", "203.0.113.9"]
    assert store.refused(NAMES) == Names((), ())
    assert CertificateStore(store.folder / "none").refused(moved) == Names((), ())


def test_what_cannot_be_renewed_says_why(store: CertificateStore) -> None:
    """No name of the authority's, an authority that ends, a second authority, one kept elsewhere, a foreign key."""
    with pytest.raises(ConflictError, match="may not speak"):
        store.renew(names_of(["bank.example"]), NOW)
    with pytest.raises(ConflictError, match="ends itself"):
        store.renew(NAMES, NOW + dt.timedelta(days=3650))
    with pytest.raises(ConflictError, match="already"):
        store.create("Room 1", NAMES, NOW)
    key = store.folder / "current" / "ca.key"
    shutil.copy(store.key_file, key)
    with pytest.raises(BadInputError, match="does not belong"):
        store.renew(NAMES, NOW)
    key.unlink()
    with pytest.raises(NotFoundError, match="not on this box"):
        store.renew(NAMES, NOW)
    assert serves(store)


def test_a_new_authority_is_made_only_when_it_is_insisted_on(store: CertificateStore) -> None:
    """With ``replace`` everything is new."""
    before = store.facts()
    after = store.create("Room 1", NAMES, NOW, replace=True)
    assert after.ca_sha256 != before.ca_sha256
    assert serves(store)


def test_the_centres_own_certificate_is_used_and_left_again(store: CertificateStore) -> None:
    """One's own is served with its chain and never renewed by the box; renewing goes back to the box's."""
    theirs, authority = centre(), store.facts().ca_sha256
    files = by_centre(theirs)
    facts = store.use_own(files.certificate + pem_of(theirs.certificate), files.key, NOW)
    assert (facts.source, facts.ca_sha256) == ("own", None)
    assert not store.is_due(NAMES, NOW + dt.timedelta(days=390))
    assert serves(store)
    back = store.renew(NAMES, NOW)
    assert (back.source, back.ca_sha256) == ("box", authority)


def test_a_box_without_an_authority_takes_the_centres_own(tmp_path: Path) -> None:
    """A centre that has certificates needs no authority of the box's; one may be made later."""
    store = CertificateStore(tmp_path / "tls")
    files = by_centre(centre())
    assert store.use_own(files.certificate, files.key, NOW).source == "own"
    with pytest.raises(NotFoundError, match="no authority"):
        store.renew(NAMES, NOW)
    assert store.create("Room 1", NAMES, NOW).source == "box"


def test_an_own_certificate_that_would_not_work_changes_nothing(store: CertificateStore) -> None:
    """The one in use stays."""
    before, files = store.facts(), by_centre(centre())
    for certificate, key in ((files.certificate, by_centre(centre()).key), (b"", b""), (files.certificate, b"x")):
        with pytest.raises(BadInputError):
            store.use_own(certificate, key, NOW)
    assert store.facts() == before


FILES = by_centre(centre())
CHANGES = {
    "renew": lambda store: store.renew(NAMES, NOW),
    "own": lambda store: store.use_own(FILES.certificate, FILES.key, NOW),
    "authority": lambda store: store.create("Room 1", NAMES, NOW, replace=True),
}


@pytest.mark.parametrize("broken", ["fdopen", "fchmod", "fsync", "replace", "symlink"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_that_breaks_off_anywhere_leaves_the_old_set(
    store: CertificateStore, monkeypatch: pytest.MonkeyPatch, broken: str, change: Callable[[CertificateStore], object]
) -> None:
    """A full disk at any step: certificate and key in use still fit, and the next change tidies up."""
    before = store.facts()

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, broken, fail)
        with pytest.raises(ApplianceError, match="No space left"):
            change(store)
    assert store.facts() == before
    assert serves(store)
    store.renew(NAMES, NOW)
    left = sorted(path.name for path in store.folder.iterdir())
    assert len(left) == 2, left
    assert "current" in left


@pytest.mark.parametrize("calls", range(1, 14))
def test_a_killed_renewal_leaves_a_pair(store: CertificateStore, monkeypatch: pytest.MonkeyPatch, calls: int) -> None:
    """Killed after any of its steps on the disk, what is found is the old pair or the new one, never a mixture."""
    pid = os.fork()
    if pid == 0:  # the child dies like a process whose power is cut
        left = calls

        def counted(real):  # type: ignore[no-untyped-def]
            def step(*args, **kwargs):  # type: ignore[no-untyped-def]
                nonlocal left
                left -= 1
                if left == 0:
                    os._exit(9)
                return real(*args, **kwargs)

            return step

        for name in ("open", "fsync", "symlink", "replace", "fchmod"):
            monkeypatch.setattr(os, name, counted(getattr(os, name)))
        store.renew(names_of([*NAMES.words(), "new.local"]), NOW)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 9
    assert serves(store)
    assert store.facts().names in {NAMES, names_of([*NAMES.words(), "new.local"])}
    assert store.renew(NAMES, NOW).names == NAMES
    assert len(list(store.folder.iterdir())) == 2


def test_changes_come_one_after_another(store: CertificateStore) -> None:
    """A timer and a person at once: both are done, one after the other."""
    done: list[bool] = []
    threads = [threading.Thread(target=lambda: done.append(bool(store.renew(NAMES, NOW)))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(done) == 6
    assert serves(store)
    assert len(list(store.folder.iterdir())) == 2


def test_without_a_certificate_one_is_told_how_to_get_one(tmp_path: Path) -> None:
    """An empty box says which command makes one; a damaged or huge file is called what it is."""
    store = CertificateStore(tmp_path)
    assert not store.exists()
    with pytest.raises(NotFoundError) as told:
        store.facts()
    assert "exambox certs create" in told.value.hint
    store.create("Room 1", NAMES, NOW)
    store.certificate_file.write_text("rubbish")
    with pytest.raises(BadInputError):
        store.facts()
    store.certificate_file.write_bytes(b"x" * (module.MAX_FILE_BYTES + 1))
    with pytest.raises(BadInputError, match="larger than"):
        store.facts()


def test_a_folder_that_cannot_be_written_is_an_error_with_a_hint(tmp_path: Path) -> None:
    """Somebody who is not root is told so."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ApplianceError, match="cannot be changed") as told:
        CertificateStore(tmp_path / "file" / "tls").create("Room 1", NAMES, NOW)
    assert "as root" in told.value.hint
