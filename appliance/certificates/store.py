"""The certificates on the disk: made, renewed, replaced by the centre's own, described. Files are replaced whole.

Below ``<state>/tls``: ``ca.key`` (root alone), ``ca.pem``, ``server.key`` (root, group exambox), ``server.pem`` (with
its chain), ``own`` (there while the centre's own certificate is used).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from appliance.certificates.authority import Issued, issue, make_authority, permits
from appliance.certificates.names import Names, names_of
from appliance.errors import BadInputError, ConflictError, NotFoundError

if TYPE_CHECKING:
    from pathlib import Path

RENEW_DAYS = 30
"""A server certificate is renewed, and a person warned of one that is not, when it has this many days left."""
MAX_FILE_BYTES = 256 * 1024
_MIN_RSA_BITS = 2048
_OWN = "own"


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
        return self.folder / "server.pem"

    @property
    def key_file(self) -> Path:
        """The server's private key, PEM."""
        return self.folder / "server.key"

    @property
    def ca_file(self) -> Path:
        """The authority's certificate, PEM."""
        return self.folder / "ca.pem"

    def exists(self) -> bool:
        """Whether there is a certificate to serve with."""
        return self.certificate_file.exists() and self.key_file.exists()

    def create(self, box: str, names: Names, now: dt.datetime, *, replace: bool = False) -> CertificateFacts:
        """Make an authority and a server certificate.

        Raises:
            ConflictError: there is an authority already, and ``replace`` is not set.
            OSError: the folder cannot be written.
        """
        if (self.folder / "ca.key").exists() and not replace:
            raise ConflictError(
                "This box has an authority already.",
                hint="`exambox certs renew` makes a new certificate under it. With --force a new authority is made,"
                " and every device has to trust it anew.",
            )
        authority = make_authority(box, names, now)
        self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        self._write("ca.key", _private_pem(authority.key), 0o600)
        self._write("ca.pem", _pem(authority.certificate), 0o644)
        return self._issue(authority, names, now)

    def renew(self, names: Names, now: dt.datetime) -> CertificateFacts:
        """Make a new server certificate under the box's authority.

        Raises:
            NotFoundError: there is no authority, or its key is kept elsewhere.
            ConflictError: the authority may not speak for a name, or ends itself.
            BadInputError: the authority's files are damaged.
            OSError: the folder cannot be written.
        """
        authority = self._authority()
        if not permits(authority.certificate, names):
            raise ConflictError(
                "The box's authority may not speak for one of these names.",
                hint="`exambox certs create --force` makes a new authority; every device has to trust it anew.",
            )
        if authority.certificate.not_valid_after_utc - now < dt.timedelta(days=1):
            raise ConflictError(
                "The box's authority ends itself.", hint="`exambox certs create --force` makes a new one."
            )
        return self._issue(authority, names, now)

    def is_due(self, names: Names, now: dt.datetime) -> bool:
        """Whether the box's own certificate should be renewed: soon over, or names have changed.

        Raises:
            NotFoundError, BadInputError: as `facts`.
        """
        facts = self.facts()
        return facts.source == "box" and (facts.days_left(now) < RENEW_DAYS or not facts.names.covers(names))

    def use_own(self, certificate: bytes, key: bytes, now: dt.datetime) -> CertificateFacts:
        """Serve with the centre's own certificate from now on; the box's authority stays as it is.

        Args:
            certificate: PEM, the server's first, then its chain.
            key: PEM, without a passphrase.
            now: with a time zone.

        Raises:
            BadInputError: it is no certificate with its key, is not valid now, names nothing, or is not for servers.
            OSError: the folder cannot be written.
        """
        chain = _chain(certificate)
        private = _private(key)
        _check_own(chain, private, now)
        self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        self._install(private, chain, own=True)
        return self.facts()

    def facts(self) -> CertificateFacts:
        """Describe the certificate in use.

        Raises:
            NotFoundError: there is none.
            BadInputError: it is damaged.
        """
        try:
            first = _chain(self.certificate_file.read_bytes())[0]
        except FileNotFoundError as problem:
            raise NotFoundError("This box has no certificate.", hint="`exambox certs create` makes one.") from problem
        own = (self.folder / _OWN).exists()
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
            BadInputError: it is damaged.
        """
        try:
            return _chain(self.ca_file.read_bytes())[0]
        except FileNotFoundError as problem:
            raise NotFoundError(
                "This box has no authority of its own.", hint="`exambox certs create` makes one."
            ) from problem

    def _authority(self) -> Issued:
        certificate = self.authority_certificate()
        try:
            key = _private((self.folder / "ca.key").read_bytes())
        except FileNotFoundError as problem:
            raise NotFoundError(
                "The authority's key is not on this box.", hint="Bring ca.key back for the moment of renewing."
            ) from problem
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise BadInputError("ca.key: this is not a key exambox made.")
        return Issued(key, certificate)

    def _issue(self, authority: Issued, names: Names, now: dt.datetime) -> CertificateFacts:
        made = issue(authority, names, now)
        self._install(made.key, [made.certificate, authority.certificate], own=False)
        return self.facts()

    def _install(
        self, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, chain: list[x509.Certificate], *, own: bool
    ) -> None:
        # The key first: whoever reads between the two finds a pair that does not fit, and reads again.
        self._write("server.key", _private_pem(key), 0o640 if self.group is not None else 0o600)
        self._write("server.pem", b"".join(map(_pem, chain)), 0o644)
        if own:
            self._write(_OWN, b"", 0o644)
        else:
            (self.folder / _OWN).unlink(missing_ok=True)

    def _write(self, name: str, data: bytes, mode: int) -> None:
        handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=f".{name}-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, mode)  # noqa: PTH101  the name is a string here
            if self.group is not None and name == "server.key":
                shutil.chown(temporary, group=self.group)
            os.replace(temporary, self.folder / name)  # noqa: PTH105
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108
            raise


def certificate_names(certificate: x509.Certificate) -> Names:
    """Return the names and addresses a certificate is for; wildcards are left out."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return Names((), ())
    texts = [name for name in found.get_values_for_type(x509.DNSName) if "*" not in name]
    return names_of([*texts, *map(str, found.get_values_for_type(x509.IPAddress))])


def _check_own(
    chain: list[x509.Certificate], key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, now: dt.datetime
) -> None:
    first = chain[0]
    if _public_bytes(first.public_key()) != _public_bytes(key.public_key()):
        raise BadInputError(
            "The key does not belong to the certificate.", hint="Give the server's certificate first in its file."
        )
    if not first.not_valid_before_utc <= now <= first.not_valid_after_utc:
        raise BadInputError(
            f"The certificate is valid from {first.not_valid_before_utc:%F} to {first.not_valid_after_utc:%F}.",
            hint="Check the certificate, and the clock of this box.",
        )
    names = certificate_names(first)
    if not names.dns and not names.addresses:
        raise BadInputError(
            "The certificate names no host.", hint="Browsers want names under Subject Alternative Name."
        )
    try:
        usage = first.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        usage = None
    if usage is not None and ExtendedKeyUsageOID.SERVER_AUTH not in usage:
        raise BadInputError("The certificate is not for servers.", hint="Ask for one with the usage serverAuth.")
    for signed, signer in pairwise(chain):
        try:
            signed.verify_directly_issued_by(signer)
        except (ValueError, TypeError, InvalidSignature) as problem:
            raise BadInputError(
                "The chain is not in order: a certificate was not signed by the one after it.",
                hint="Put the server's certificate first, then the one that signed it, and so on.",
            ) from problem


def _chain(data: bytes) -> list[x509.Certificate]:
    try:
        found = x509.load_pem_x509_certificates(data[:MAX_FILE_BYTES])
    except ValueError as problem:
        raise BadInputError(
            "This is no certificate in PEM form.", hint="It begins with -----BEGIN CERTIFICATE-----."
        ) from problem
    return found


def _private(data: bytes) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(data[:MAX_FILE_BYTES], None)
    except (ValueError, TypeError) as problem:
        raise BadInputError(
            "This is no private key in PEM form without a passphrase.",
            hint="`openssl pkey -in KEY -out NEW` takes a passphrase off.",
        ) from problem
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= _MIN_RSA_BITS:
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key
    raise BadInputError("The key must be an elliptic curve key, or RSA of at least 2,048 bits.")


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _public_bytes(key: object) -> bytes:
    return key.public_bytes(  # type: ignore[attr-defined,no-any-return]  # every public key has it
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
