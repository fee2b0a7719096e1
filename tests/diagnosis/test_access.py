"""Certificate and second factors, and what the dashboard may not see."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import msgspec
import pytest

from appliance.auditlog import append, checkpoint
from appliance.certificates.names import names_of
from appliance.certificates.store import CertificateStore
from appliance.clock import SECOND_US
from appliance.config import WebSettings
from appliance.database import write
from appliance.diagnosis import CHECKS, DOCTOR_ALONE, QUICK, THOROUGH, access, keys, look
from appliance.diagnosis.result import Check, Examined, run
from appliance.vault.keys import DeviceKey, init_keys

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings


@pytest.fixture
def lan(settings: Settings, clock: ManualClock) -> Examined:
    """A box on the network."""
    return Examined(msgspec.structs.replace(settings, web=WebSettings(lan=True)), clock)


@pytest.mark.parametrize(("days", "state"), [(0, "ok"), (3600, "fail")])
def test_the_certificate_is_judged_by_its_end(lan: Examined, clock: ManualClock, days: int, state: str) -> None:
    """Good, and ended; its day is named."""
    now = dt.datetime.fromtimestamp(clock.wall_us() / SECOND_US, dt.UTC)
    facts = CertificateStore(lan.settings.tls_dir).create("box-1", names_of(["box.local"]), now)
    clock.advance(days * 86_400)
    (found,) = access.check_certificate(lan)
    assert (found.state, facts.not_after.date().isoformat() in found.message) == (state, True)
    if state == "ok":
        clock.advance((facts.not_after - now).total_seconds() - 5 * 86_400)
        assert access.check_certificate(lan)[0].state == "warn"


def test_a_box_on_the_network_without_a_certificate_fails(lan: Examined) -> None:
    """A box on loopback needs none."""
    assert run(access.check_certificate, lan)[0].state == "fail"
    alone = msgspec.structs.replace(lan.settings, web=WebSettings())
    assert run(access.check_certificate, Examined(alone, lan.clock))[0].state == "ok"


def test_administrators_without_a_second_factor_are_counted(lan: Examined, db: Database) -> None:
    """Disabled ones and other roles do not count, an unconfirmed factor is none."""

    def add(name: str, role: str, disabled: int | None = None, confirmed: int | None = None) -> None:
        with write(db):
            db.table("account").insert(
                {"name": name, "role": role, "password_hash": "x", "created_us": 1, "disabled_us": disabled}
            )
            number = db.conn.execute("SELECT last_insert_rowid()").fetchone()[0]
            db.table("second_factor").insert(
                {"account": number, "secret": b"x", "created_us": 1, "confirmed_us": confirmed}
            )

    assert access.check_second_factors(lan)[0].state == "warn"
    add("a", "administrator", confirmed=1)
    add("b", "administrator", disabled=1)
    add("c", "reviewer")
    assert access.check_second_factors(lan)[0].state == "ok"
    add("d", "administrator")
    found = access.check_second_factors(lan)[0]
    assert (found.state, "1 of 2" in found.message, "d" in found.message.split()) == ("warn", True, False)


def test_a_log_that_nobody_signs_is_seen(lan: Examined, db: Database, clock: ManualClock) -> None:
    """Unsigned entries are normal for minutes, not for longer."""
    assert keys.check_checkpoint(lan)[0].state == "ok"
    append(db, "box.started", clock=clock)
    assert keys.check_checkpoint(lan)[0].state == "ok"
    clock.advance(keys.UNSIGNED_MINUTES * 60 + 60)
    assert keys.check_checkpoint(lan)[0].state == "warn"
    checkpoint(db, DeviceKey.generate(), clock=clock)
    assert keys.check_checkpoint(lan)[0].state == "ok"


def test_the_doctor_looks_at_everything_once() -> None:
    """What the health page does quickly, thoroughly or not at all is all the doctor does."""
    assert len(CHECKS) == len(set(CHECKS)) == len(QUICK) + len(THOROUGH) + len(DOCTOR_ALONE)


def test_what_is_closed_to_the_dashboard_is_no_finding(lan: Examined) -> None:
    """The doctor says to be root; the dashboard says that it is closed, as it should be."""

    def check_secret(_examined: Examined) -> list[Check]:
        raise PermissionError("no")

    web = Examined(lan.settings, lan.clock, privileged=False)
    assert [found.state for found in look([check_secret], web) + look([check_secret], lan)] == ["unseen", "warn"]


def test_keys_that_are_closed_to_the_dashboard_are_present(
    settings: Settings, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the right to read device.key the dashboard sees that every file is there."""
    init_keys(settings, passphrase=None, clock=clock)

    def closed(_folder: object) -> DeviceKey:
        from appliance.errors import MissingKeyError

        raise MissingKeyError("closed")

    monkeypatch.setattr(keys, "load_device_key", closed)
    states = [keys.check_keys(Examined(settings, clock, privileged=who))[0].state for who in (True, False)]
    assert states == ["warn", "ok"]
