"""Joining a hub whose address is certified by an authority of its own, and one whose time differs."""

from __future__ import annotations

import datetime as dt
import ssl
from typing import TYPE_CHECKING

import pytest

from appliance.centre.hub_caller import HubCallError
from appliance.centre.store import centre_of
from appliance.certificates.names import names_of
from appliance.certificates.store import CertificateStore
from appliance.clock import ManualClock, SystemClock
from tests.centre.box import Box, held_items
from tests.support.hub_server import serving_hub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.hub_server import HubServer


def certified(folder: Path) -> ssl.SSLContext:
    """Make an authority and a certificate for this machine in a hub's folder, and return what serves with it."""
    store = CertificateStore(folder / "hub" / "tls")
    store.create("hub-x", names_of(["127.0.0.1", "localhost"]), dt.datetime.now(dt.UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*store.pair())
    return context


@pytest.fixture
def clock() -> ManualClock:
    """A clock that is right: certificates are looked at by the system's."""
    return ManualClock(wall_us=SystemClock().wall_us())


@pytest.fixture
def tls_server(tmp_path: Path, clock: ManualClock) -> Iterator[HubServer]:
    """A hub over HTTPS, certified by its own authority."""
    with serving_hub(tmp_path, clock, tls=certified(tmp_path)) as served:
        yield served


def test_the_hubs_own_authority_comes_with_the_signed_answer(
    tls_server: HubServer, tmp_path: Path, clock: ManualClock
) -> None:
    """A box that knows no authority of the hub's joins by the code alone, and verifies every call from then on."""
    box = Box(tmp_path / "box", clock)
    centre = box.enrol(tls_server)
    assert centre.ca.startswith("-----BEGIN CERTIFICATE-----")
    box.put(1)
    box.round()
    assert held_items(tls_server, box.id) == [("", 1)]
    box.close()


def test_who_has_another_certificate_is_not_spoken_to(
    tls_server: HubServer, tmp_path: Path, clock: ManualClock
) -> None:
    """After joining, an address that another authority certifies gets nothing, and the reason is said."""
    box = Box(tmp_path / "box", clock)
    box.enrol(tls_server)
    (tmp_path / "else").mkdir()
    with serving_hub(tmp_path / "else", clock, tls=certified(tmp_path / "else")) as other:
        box.db.conn.execute("UPDATE centre SET address = ?", (other.address,))
        box.db.conn.commit()
        box.put(1)
        box.round()
        assert other.asked == []
    reason = box.db.conn.execute("SELECT reason FROM delivery_target WHERE target = 'centre'").fetchone()[0]
    assert reason.startswith("certificate")
    box.close()


def test_a_given_authority_is_the_only_one(tls_server: HubServer, tmp_path: Path, clock: ManualClock) -> None:
    """With --ca nothing is fetched unverified: a hub of another authority is refused before the code is sent."""
    box = Box(tmp_path / "box", clock)
    store = CertificateStore(tmp_path / "wrong")
    store.create("hub-y", names_of(["127.0.0.1"]), dt.datetime.now(dt.UTC))
    with pytest.raises(HubCallError) as refused:
        box.enrol(tls_server, ca=store.ca_file.read_text())
    assert refused.value.reason.startswith("certificate")
    assert tls_server.asked == []
    assert centre_of(box.db) is None
    right = CertificateStore(tmp_path / "hub" / "tls").ca_file.read_text()
    assert box.enrol(tls_server, ca=right).ca == right
    box.close()


@pytest.mark.parametrize("seconds", [-900, 900])
def test_a_box_whose_clock_is_minutes_off_joins_and_measures_it(tmp_path: Path, seconds: int) -> None:
    """Fifteen minutes ahead or behind, the box joins, its items arrive, and it says how wrong its clock is."""
    from appliance.centre.status import centre_status

    hubs, boxs = ManualClock(), ManualClock()
    boxs.step(seconds)
    with serving_hub(tmp_path, hubs) as server:
        box = Box(tmp_path / "box", boxs, trusted=False)
        box.enrol(server)
        box.put(1)
        for _ in range(4):
            hubs.advance(6)
            box.round()
        assert held_items(server, box.id) == [("", 1)]
        clock = centre_status(box.db, box.settings, box.clock, own_trusted=lambda: False).clock
        assert clock.measured is not None
        assert clock.measured.trusted
        assert abs(clock.measured.offset_us + seconds * 1_000_000) <= clock.measured.bound_us
        assert not clock.is_unknown
        box.close()


def test_a_step_of_the_clock_is_logged_and_told(tmp_path: Path) -> None:
    """A wall clock that is set by a minute while the process runs is in the log and told to the centre."""
    hubs, boxs = ManualClock(), ManualClock()
    with serving_hub(tmp_path, hubs) as server:
        box = Box(tmp_path / "box", boxs)
        box.enrol(server)
        for _ in range(3):
            hubs.advance(6)
            box.round()
        boxs.step(60)
        hubs.advance(6)
        box.round()
        (step,) = box.logged("clock.stepped")
        assert abs(step["by_us"] - 60_000_000) < 100_000
        hubs.advance(6)
        box.round()
        kinds = [row[0] for row in server.db.conn.execute("SELECT kind FROM hub_item WHERE kind = 'clock'")]
        assert kinds == ["clock"]
        box.close()
