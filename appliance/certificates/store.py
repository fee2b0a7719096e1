"""The certificates on the disk: made, renewed, replaced by the centre's own, described.

``<state>/tls/current`` is a link to a folder with all that belongs together: ``ca.key`` (root alone), ``ca.pem``,
``server.key`` (root, and the dashboard's group), ``server.pem`` (with its chain), ``own`` (there while the certificate
is the centre's own). A change makes a new folder and turns the link: a power cut leaves the old set or the new one.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.certificates.authority import Issued, issue, make_authority, permitted
from appliance.certificates.names import Names
from appliance.certificates.own import check_own
from appliance.certificates.pem import MAX_FILE_BYTES, certificate_names, chain_of, pem_of, private_of, private_pem
from appliance.errors import ApplianceError, BadInputError, ConflictError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography import x509

    from appliance.certificates.pem import PrivateKey

RENEW_DAYS = 30
"""A server certificate is renewed, and a person warned of one that is not, when it has this many days left."""
_CURRENT = "current"
_SET = "set-"
_MODES = {"ca.key": 0o600, "ca.pem": 0o644, "server.pem": 0o644, "own": 0o644}


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a person is told of the certificate in use. Times have a time zone.

    ``source`` is ``box`` (the box's authority signed it) or ``own``; ``ca_sha256`` is None for one's own.
    """

    source: str
    names: Names
    subject: str
    issuer: str
    not_before: dt.datetime
    not_after: dt.datetime
    sha256: str
    ca_sha256: str | None

    def days_left(self, now: dt.datetime) -> int:
        """Return whole days until it ends, negative after."""
        return (self.not_after - now) // dt.timedelta(days=1)


@dataclass(frozen=True)
class CertificateStore:
    """The files of one box.

    Attributes:
        folder: ``<state>/tls``.
        group: the group that may read the server's key, or None where everything is one user's (a trial box).
    """

    folder: Path
    group: int | None = None

    @property
    def certificate_file(self) -> Path:
        """The server certificate with its chain, PEM."""
        return self.folder / _CURRENT / "server.pem"

    @property
    def key_file(self) -> Path:
        """The server's private key, PEM."""
        return self.folder / _CURRENT / "server.key"

    @property
    def ca_file(self) -> Path:
        """The authority's certificate, PEM."""
        return self.folder / _CURRENT / "ca.pem"

    def pair(self) -> tuple[Path, Path]:
        """Return certificate and key of one and the same set, whatever is renewed meanwhile."""
        current = Path(os.path.realpath(self.folder / _CURRENT))
        return current / "server.pem", current / "server.key"

    def exists(self) -> bool:
        """Whether there is a certificate to serve with."""
        return self.certificate_file.exists() and self.key_file.exists()

    def create(self, box: str, names: Names, now: dt.datetime, *, replace: bool = False) -> CertificateFacts:
        """Make an authority and a server certificate.

        Raises:
            ConflictError: there is an authority already, and ``replace`` is not set.
            ApplianceError: the folder cannot be written.
        """
        with self._alone():
            if self.ca_file.exists() and not replace:
                raise ConflictError(
                    "This box has an authority already.",
                    hint="`exambox certs renew` makes a new certificate under it. With --force a new authority is made,"
                    " and every device has to trust it anew.",
                )
            authority = make_authority(box, names, now)
            files = {"ca.key": private_pem(authority.key), "ca.pem": pem_of(authority.certificate)}
            self._install(files | _issued(authority, names, now))
        return self.facts()

    def renew(self, names: Names, now: dt.datetime) -> CertificateFacts:
        """Make a new server certificate under the box's authority, for those of the names it may speak for.

        Raises:
            NotFoundError: there is no authority, or its key is kept elsewhere.
            ConflictError: the authority may speak for none of the names, or ends itself.
            BadInputError: the authority's files are damaged.
            ApplianceError: the folder cannot be written.
        """
        with self._alone():
            authority = self._authority()
            spoken_for = permitted(authority.certificate, names)
            if not spoken_for.words():
                raise ConflictError(
                    "The box's authority may not speak for any of these names.",
                    hint="`exambox certs create --force` makes a new authority; every device has to trust it anew.",
                )
            if authority.certificate.not_valid_after_utc - now < dt.timedelta(days=1):
                raise ConflictError(
                    "The box's authority ends itself.", hint="`exambox certs create --force` makes a new one."
                )
            self._install(self._authority_files() | _issued(authority, spoken_for, now))
        return self.facts()

    def is_due(self, names: Names, now: dt.datetime) -> bool:
        """Whether the box's own certificate should be renewed: soon over, not valid yet, or names have changed.

        Names the authority may not speak for do not count: renewing would not bring them in.

        Raises:
            NotFoundError, BadInputError: as `facts`.
        """
        facts = self.facts()
        if facts.source != "box":
            return False
        authority = self.authority_certificate()
        lasts_longer = authority.not_valid_after_utc - facts.not_after > dt.timedelta(days=1)
        ends_soon = facts.days_left(now) < RENEW_DAYS and lasts_longer
        return ends_soon or now < facts.not_before or not facts.names.covers(permitted(authority, names))

    def use_own(self, certificate: bytes, key: bytes, now: dt.datetime) -> CertificateFacts:
        """Serve with the centre's own certificate from now on; the box's authority stays as it is.

        Args:
            certificate: PEM, the server's first, then its chain.
            key: PEM, without a passphrase.
            now: with a time zone.

        Raises:
            BadInputError: it is no certificate with its key, is not valid now, names nothing, or is not for servers.
            ApplianceError: the folder cannot be written.
        """
        chain, private = chain_of(certificate), private_of(key)
        check_own(chain, private, now)
        with self._alone():
            self._install(self._authority_files() | _server_files(private, chain) | {"own": b""})
        return self.facts()

    def facts(self) -> CertificateFacts:
        """Describe the certificate in use.

        Raises:
            NotFoundError: there is none.
            BadInputError: it is damaged, or may not be read.
        """
        file, _ = self.pair()
        first = chain_of(_read(file, "This box has no certificate."))[0]
        own = file.with_name("own").exists()
        return CertificateFacts(
            source="own" if own else "box",
            names=certificate_names(first),
            subject=first.subject.rfc4514_string(),
            issuer=first.issuer.rfc4514_string(),
            not_before=first.not_valid_before_utc,
            not_after=first.not_valid_after_utc,
            sha256=first.fingerprint(hashes.SHA256()).hex(),
            ca_sha256=None if own else self.authority_certificate().fingerprint(hashes.SHA256()).hex(),
        )

    def authority_certificate(self) -> x509.Certificate:
        """Return the authority's certificate.

        Raises:
            NotFoundError: there is none.
            BadInputError: it is damaged, or may not be read.
        """
        return chain_of(_read(self.ca_file, "This box has no authority of its own."))[0]

    def refused(self, names: Names) -> Names:
        """Return those of the names the box's authority may not speak for; none where there is no authority yet.

        Raises:
            BadInputError: the authority is damaged.
        """
        try:
            fine = permitted(self.authority_certificate(), names)
        except NotFoundError:
            return Names((), ())
        return Names(
            tuple(name for name in names.dns if name not in fine.dns),
            tuple(one for one in names.addresses if one not in fine.addresses),
        )

    def _authority(self) -> Issued:
        certificate = self.authority_certificate()
        try:
            raw = (self.folder / _CURRENT / "ca.key").read_bytes()
        except FileNotFoundError as problem:
            raise NotFoundError(
                "The authority's key is not on this box.",
                hint=f"Bring it back to {self.folder / _CURRENT / 'ca.key'} for the moment of renewing.",
            ) from problem
        except PermissionError as problem:
            raise BadInputError("The authority's key may not be read.", hint="Do this as root.") from problem
        key = private_of(raw)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise BadInputError(
                "The authority's key does not belong to its certificate.",
                hint="`exambox certs create --force` makes a new authority; every device has to trust it anew.",
            )
        return Issued(key, certificate)

    def _authority_files(self) -> dict[str, bytes]:
        current = self.folder / _CURRENT
        return {name: (current / name).read_bytes() for name in ("ca.key", "ca.pem") if (current / name).exists()}

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep others out while the set is changed: a timer and a person may come at once."""
        try:
            self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
            handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as problem:
            raise _unwritable(self.folder, problem) from problem
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        except OSError as problem:
            raise _unwritable(self.folder, problem) from problem
        finally:
            os.close(handle)

    def _install(self, files: dict[str, bytes]) -> None:
        """Write a new set whole, make it the current one, and remove what is not current."""
        made = Path(tempfile.mkdtemp(dir=self.folder, prefix=_SET))
        for name, data in files.items():
            self._write(made / name, data)
        made.chmod(0o755)
        _sync(made)
        link = self.folder / f".{made.name}"
        link.symlink_to(made.name)
        link.replace(self.folder / _CURRENT)
        _sync(self.folder)
        for old in self.folder.iterdir():
            if old.name.startswith(_SET) and old != made:
                shutil.rmtree(old, ignore_errors=True)
            elif old.name.startswith(f".{_SET}"):
                old.unlink(missing_ok=True)

    def _write(self, path: Path, data: bytes) -> None:
        group = self.group if path.name == "server.key" else None
        mode = _MODES.get(path.name, 0o600 if group is None else 0o640)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            if group is not None:
                os.fchown(file.fileno(), -1, group)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())


def _issued(authority: Issued, names: Names, now: dt.datetime) -> dict[str, bytes]:
    made = issue(authority, names, now)
    return _server_files(made.key, [made.certificate, authority.certificate])


def _server_files(key: PrivateKey, chain: list[x509.Certificate]) -> dict[str, bytes]:
    return {"server.key": private_pem(key), "server.pem": b"".join(map(pem_of, chain))}


def _read(path: Path, missing: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as problem:
        raise NotFoundError(missing, hint="`exambox certs create` makes one.") from problem
    except OSError as problem:
        raise BadInputError(f"{path} cannot be read: {problem.strerror}.", hint="Do this as root.") from problem


def _unwritable(folder: Path, problem: OSError) -> ApplianceError:
    return ApplianceError(
        f"The certificates in {folder} cannot be changed: {problem.strerror}.",
        hint="Do this as root, and see that the disk is neither full nor read-only. What was in use stays in use.",
    )


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
