"""The box's authority and what it signs, as programs that are not ours see them."""

from __future__ import annotations

import datetime as dt
import subprocess
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.certificates.authority import PERMITTED_SUFFIXES, Issued, issue, make_authority, permitted
from appliance.certificates.names import Names, names_of
from appliance.certificates.pem import certificate_names, pem_of
from tests.certificates.made import NAMES, NOW

if TYPE_CHECKING:
    from pathlib import Path

AUTHORITY = make_authority("Room 1", NAMES, NOW)


def verifies(folder: Path, authority: Issued, one: Issued, *more: str) -> bool:
    """Whether OpenSSL accepts a certificate under an authority, strictly."""
    (folder / "ca.pem").write_bytes(pem_of(authority.certificate))
    (folder / "one.pem").write_bytes(pem_of(one.certificate))
    command = ["openssl", "verify", "-x509_strict", "-attime", str(int(NOW.timestamp())), "-purpose", "sslserver"]
    command += ["-CAfile", str(folder / "ca.pem"), *more, str(folder / "one.pem")]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_openssl_accepts_the_certificate_for_every_name_and_no_other(tmp_path: Path) -> None:
    """A program that is not ours verifies it for each name and address, and for no other."""
    one = issue(AUTHORITY, NAMES, NOW)
    assert all(verifies(tmp_path, AUTHORITY, one, "-verify_hostname", name) for name in NAMES.dns)
    assert all(verifies(tmp_path, AUTHORITY, one, "-verify_ip", str(address)) for address in NAMES.addresses)
    assert not verifies(tmp_path, AUTHORITY, one, "-verify_hostname", "room-2.local")
    assert not verifies(tmp_path, AUTHORITY, one, "-verify_ip", "192.168.1.8")


def test_a_stolen_authority_speaks_for_nobody_outside(tmp_path: Path) -> None:
    """OpenSSL refuses what a thief signs for a bank, a foreign address, or a further authority below it."""
    assert AUTHORITY.certificate.extensions.get_extension_for_class(x509.NameConstraints).critical
    assert verifies(tmp_path, AUTHORITY, issue(AUTHORITY, names_of(["other.local", "10.1.2.3"]), NOW))
    for name in ("bank.example", "203.0.113.1", "evilroom-1", "2001:db8::1"):
        assert not verifies(tmp_path, AUTHORITY, issue(AUTHORITY, names_of([name]), NOW)), name
    constraints = AUTHORITY.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert constraints.path_length == 0


def test_what_browsers_ask_of_a_certificate() -> None:
    """At most 398 days, serverAuth, names in the extension, no authority, a key of its own, a random serial number."""
    one, two = issue(AUTHORITY, NAMES, NOW), issue(AUTHORITY, NAMES, NOW)
    found = one.certificate.extensions
    assert one.certificate.not_valid_after_utc - one.certificate.not_valid_before_utc <= dt.timedelta(days=398)
    assert ExtendedKeyUsageOID.SERVER_AUTH in found.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert not found.get_extension_for_class(x509.BasicConstraints).value.ca
    assert certificate_names(one.certificate) == NAMES
    assert one.certificate.serial_number != two.certificate.serial_number
    assert one.key.public_key() != two.key.public_key()
    assert isinstance(one.key.curve, ec.SECP256R1)


def test_a_certificate_never_outlives_its_authority() -> None:
    """One that is made shortly before the authority ends, ends with it."""
    late = AUTHORITY.certificate.not_valid_after_utc - dt.timedelta(days=3)
    assert issue(AUTHORITY, NAMES, late).certificate.not_valid_after_utc == AUTHORITY.certificate.not_valid_after_utc


labels = st.from_regex(r"[a-z]([a-z0-9]{0,8})", fullmatch=True)
hosts = st.builds(lambda name, suffix: f"{name}{suffix}", labels, st.sampled_from(["", *(f".{one}" for one in PERMITTED_SUFFIXES), ".school.example"]))  # fmt: skip  # noqa: E501


@settings(max_examples=40)
@given(st.lists(hosts | st.ip_addresses().filter(lambda one: not getattr(one, "scope_id", None)).map(str), min_size=1, max_size=8))  # fmt: skip  # noqa: E501
def test_an_authority_may_speak_for_what_it_was_made_for(texts: list[str]) -> None:
    """Whatever names a box has when its authority is made are permitted; of others only private ones."""
    names = names_of(texts)
    authority = make_authority("Room", names, NOW).certificate
    assert permitted(authority, names) == names
    assert permitted(authority, names_of(["a.local", "10.9.9.9", "bank.test"])).words() == ["a.local", "10.9.9.9"]


def test_an_authority_without_constraints_speaks_for_all() -> None:
    """As RFC 5280 has it; of nothing it permits nothing."""
    server = issue(AUTHORITY, NAMES, NOW).certificate
    assert permitted(server, names_of(["bank.example"])).words() == ["bank.example"]
    assert permitted(AUTHORITY.certificate, Names((), ())) == Names((), ())


def test_two_authorities_of_one_room_have_two_names() -> None:
    """In a device's list they are told apart, and no program takes one for the other."""
    one, two = (make_authority("Room 1", NAMES, NOW).certificate for _ in range(2))
    assert one.subject != two.subject
    assert one.subject.rfc4514_string().startswith("CN=Exambox Room 1 (")
    long = make_authority("R" * 80, NAMES, NOW).certificate
    assert len(long.subject.rfc4514_string()) <= 3 + 64
