"""The authority in the forms devices take."""

from __future__ import annotations

import plistlib
import re
import subprocess

import pytest

from appliance.certificates.authority import make_authority
from appliance.certificates.files import FORMS, ca_file
from tests.certificates.made import NAMES, NOW

CA = make_authority("Room 1 & <hall>", NAMES, NOW).certificate


@pytest.mark.parametrize(("form", "inform"), [("pem", "PEM"), ("der", "DER")])
def test_openssl_reads_it(form: str, inform: str) -> None:
    """PEM and DER hold the same certificate."""
    done = subprocess.run(
        ["openssl", "x509", "-inform", inform, "-noout", "-fingerprint", "-sha256"],
        input=ca_file(CA, form), capture_output=True, check=True,
    )  # fmt: skip
    from cryptography.hazmat.primitives import hashes

    assert done.stdout.decode().split("=")[1].strip().replace(":", "").lower() == CA.fingerprint(hashes.SHA256()).hex()


def test_the_profile_is_one_apple_takes() -> None:
    """A configuration with one root certificate; the same authority gives the same ids, another one others."""
    profile = plistlib.loads(ca_file(CA, "mobileconfig"))
    (payload,) = profile["PayloadContent"]
    assert (profile["PayloadType"], payload["PayloadType"]) == ("Configuration", "com.apple.security.root")
    assert payload["PayloadContent"] == ca_file(CA, "der")
    assert re.fullmatch(r"Exambox Room 1 & <hall> \([0-9A-F]{6}\)", profile["PayloadDisplayName"])
    assert profile["PayloadUUID"] != payload["PayloadUUID"]
    assert plistlib.loads(ca_file(CA, "mobileconfig"))["PayloadUUID"] == profile["PayloadUUID"]
    other = plistlib.loads(ca_file(make_authority("Room 1", NAMES, NOW).certificate, "mobileconfig"))
    assert other["PayloadUUID"] != profile["PayloadUUID"]


def test_no_form_has_a_private_key() -> None:
    """What is given away is public."""
    assert all(b"PRIVATE" not in ca_file(CA, form) for form in FORMS)
    with pytest.raises(KeyError):
        ca_file(CA, "p12")
