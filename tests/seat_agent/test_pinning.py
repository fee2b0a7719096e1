"""TLS that trusts the box's anchor alone: whatever the workstation's clock says, whoever else is certified."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from typing import TYPE_CHECKING

import pytest

from appliance.certificates.anchor import anchor_of
from appliance.certificates.names import names_of
from appliance.certificates.pem import pem_of
from appliance.certificates.store import CertificateStore
from appliance.errors import BadInputError
from appliance.seat_agent.box_caller import checked_address, pinned

if TYPE_CHECKING:
    from pathlib import Path

NOW = dt.datetime.now(dt.UTC)


def made(folder: Path, when: dt.datetime = NOW) -> CertificateStore:
    """An authority and a certificate made at some time."""
    store = CertificateStore(folder)
    store.create("Hall 2", names_of(["hall-2.local", "localhost"]), when)
    return store


def anchor(store: CertificateStore) -> str:
    """What is pinned of it."""
    return pem_of(anchor_of(store)).decode()


def shakes_hands(store: CertificateStore, context: ssl.SSLContext, name: str = "hall-2.local") -> None:
    """Speak TLS with a server of these certificates once."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*store.pair())
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            with server.wrap_socket(theirs, server_side=True) as there:
                there.recv(1)
        except OSError:
            return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with context.wrap_socket(ours, server_hostname=name):
            pass
    finally:
        ours.close()
        thread.join(20)


@pytest.mark.parametrize("years", [0, -9, 15])
def test_the_boxs_certificate_is_taken_at_any_time(tmp_path: Path, years: int) -> None:
    """A certificate of long ago, or of the future as a wrong clock sees it, is taken where the anchor is right."""
    store = made(tmp_path, NOW.replace(year=NOW.year + years, day=1))
    shakes_hands(store, pinned(anchor(store)))
    if years:
        with pytest.raises(ssl.SSLCertVerificationError):
            shakes_hands(store, ssl.create_default_context(cadata=anchor(store)))


def test_another_authority_and_another_name_are_refused(tmp_path: Path) -> None:
    """Who is certified by somebody else, or for another name, is not the box."""
    store, other = made(tmp_path / "one"), made(tmp_path / "other")
    with pytest.raises(ssl.SSLCertVerificationError):
        shakes_hands(other, pinned(anchor(store)))
    with pytest.raises(ssl.SSLCertVerificationError):
        shakes_hands(store, pinned(anchor(store)), name="hall-3.local")


def test_a_certificate_of_the_centres_own_is_pinned_by_its_issuer(tmp_path: Path) -> None:
    """With a chain it is the last of it, so that a renewed certificate of the same issuer is taken."""
    issuer = made(tmp_path / "issuer")
    box = CertificateStore(tmp_path / "box")
    box.create("Hall 2", names_of(["localhost"]), NOW)
    certificate, key = issuer.certificate_file.read_bytes(), issuer.key_file.read_bytes()
    box.use_own(certificate + issuer.ca_file.read_bytes(), key, NOW)
    assert anchor(box) == issuer.ca_file.read_text()
    kept = pinned(anchor(box))
    issuer.renew(names_of(["hall-2.local", "localhost"]), NOW)
    box.use_own(issuer.certificate_file.read_bytes() + issuer.ca_file.read_bytes(), issuer.key_file.read_bytes(), NOW)
    shakes_hands(box, kept)


@pytest.mark.parametrize(
    "address", ["http://box:8443", "box", "https://box/path", "https://user@box", "https://", "https://b ox", "x" * 300]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    """Only https with host and port alone is an address of a box."""
    with pytest.raises(BadInputError, match="address"):
        checked_address(address)
    assert checked_address(" https://box:8443/ ") == "https://box:8443"
