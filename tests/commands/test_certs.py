"""`exambox certs`: what a person at the console sees and gets."""

from __future__ import annotations

import json
import plistlib
import subprocess
from typing import TYPE_CHECKING

import pytest

from appliance.auditlog import show
from appliance.certificates import host
from appliance.certificates.hints import HINTS, SYSTEMS
from appliance.certificates.store import CertificateStore
from appliance.commands import certs
from appliance.errors import ApplianceError, BadInputError, ConflictError, NotFoundError
from tests.certificates.made import by_centre, centre
from tests.commands.box import run

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

    from appliance.config import Settings


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with one private address."""
    monkeypatch.setattr(host, "local_addresses", lambda: ["10.7.7.7"])
    monkeypatch.setattr(certs, "clock_is_trusted", lambda: True)


def test_create_show_renew(settings: Settings, db: Database) -> None:
    """A first certificate, its fingerprint, a renewal that says when there is nothing to do; each is in the log."""
    made = run(settings, "certs", "create", "--name", "hall.school.example")
    assert made.exit_code == 0, made.output
    assert "hall.school.example" in made.output
    assert "10.7.7.7" in made.output
    assert "web.lan = true" in made.output
    facts = json.loads(run(settings, "certs", "show", "--json").output)
    assert (facts["source"], facts["days_left"]) == ("box", 396)
    groups = run(settings, "certs", "show").output.split("Authority")[1].split("\n")[0]
    assert groups.replace(" ", "").lower() == facts["ca_sha256"]
    assert run(settings, "certs", "renew", "--if-due").output == "Nothing to do.\n"
    renewed = run(settings, "certs", "renew")
    assert "made by this box" in renewed.output
    after = json.loads(run(settings, "certs", "show", "--json").output)
    assert after["sha256"] != facts["sha256"]
    assert after["ca_sha256"] == facts["ca_sha256"]
    assert [line.action for line in show(db, action="certificate")] == [
        "certificate.authority_made",
        "certificate.renewed",
    ]


def test_what_has_the_box_on_the_network_already_is_not_told_again(settings: Settings, db: Database) -> None:
    """With web.lan set, nothing more is to be done."""
    assert "web.lan" not in run(settings, "certs", "create", EXAMBOX_WEB__LAN="true").output


def test_a_clock_that_is_not_synchronised_is_said(
    settings: Settings, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate made at a wrong time would be refused later."""
    monkeypatch.setattr(certs, "clock_is_trusted", lambda: False)
    assert "not synchronised" in run(settings, "certs", "create").output


def test_new_addresses_make_it_due_and_foreign_ones_are_left_out(
    settings: Settings, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine moved to another network: renewed by itself. A public address it may not speak for is said."""
    run(settings, "certs", "create")
    monkeypatch.setattr(host, "local_addresses", lambda: ["10.8.8.8", "203.0.113.5"])
    renewed = run(settings, "certs", "renew", "--if-due")
    assert renewed.exit_code == 0
    assert "10.8.8.8" in renewed.output
    assert "Left out, as the authority may not speak for them: 203.0.113.5" in renewed.output
    assert run(settings, "certs", "renew", "--if-due").output == "Nothing to do.\n"


def test_a_wished_name_is_refused_to_a_person_and_no_obstacle_to_the_timer(settings: Settings, db: Database) -> None:
    """Who asks for a name gets it or an error; the timer renews what it can and says the rest."""
    run(settings, "certs", "create")
    refused = run(settings, "certs", "renew", "--name", "bank.example")
    assert isinstance(refused.exception, ConflictError)
    assert "bank.example" in refused.exception.message
    timer = run(settings, "certs", "renew", "--if-due", EXAMBOX_WEB__NAMES='["bank.example", "two.local"]')
    assert timer.exit_code == 0
    assert "two.local" in timer.output
    assert "Left out, as the authority may not speak for them: bank.example" in timer.output


def test_a_new_authority_only_by_force(settings: Settings, db: Database) -> None:
    """A second `create` explains itself."""
    run(settings, "certs", "create")
    before = json.loads(run(settings, "certs", "show", "--json").output)["ca_sha256"]
    again = run(settings, "certs", "create")
    assert isinstance(again.exception, ConflictError)
    assert "--force" in again.exception.hint
    run(settings, "certs", "create", "--force")
    assert json.loads(run(settings, "certs", "show", "--json").output)["ca_sha256"] != before


def test_the_centres_own(settings: Settings, db: Database, tmp_path: Path) -> None:
    """Used, shown as such, left alone by --if-due, and left again."""
    run(settings, "certs", "create")
    files, other = by_centre(centre()), by_centre(centre())
    (tmp_path / "own.pem").write_bytes(files.certificate)
    (tmp_path / "own.key").write_bytes(files.key)
    (tmp_path / "other.key").write_bytes(other.key)
    (tmp_path / "huge.pem").write_bytes(b"x" * 1_000_000)
    refused = run(settings, "certs", "use", str(tmp_path / "own.pem"), str(tmp_path / "other.key"))
    assert isinstance(refused.exception, BadInputError)
    assert isinstance(
        run(settings, "certs", "use", str(tmp_path / "huge.pem"), str(tmp_path / "own.key")).exception, BadInputError
    )
    used = run(settings, "certs", "use", str(tmp_path / "own.pem"), str(tmp_path / "own.key"))
    assert "the centre's own" in used.output
    assert "Authority" not in used.output
    assert run(settings, "certs", "renew", "--if-due").output == "Nothing to do.\n"
    assert "made by this box" in run(settings, "certs", "renew").output


@pytest.mark.parametrize("form", ["pem", "der", "mobileconfig"])
def test_the_authority_as_a_file(settings: Settings, db: Database, tmp_path: Path, form: str) -> None:
    """Each form is written once, never over another file, and holds the authority that `show` names."""
    assert isinstance(run(settings, "certs", "export-ca", str(tmp_path / "none")).exception, NotFoundError)
    run(settings, "certs", "create")
    target = tmp_path / "ca"
    assert run(settings, "certs", "export-ca", str(target), "--format", form).exit_code == 0
    data = target.read_bytes()
    if form == "mobileconfig":
        data = plistlib.loads(data)["PayloadContent"][0]["PayloadContent"]
    inform = "PEM" if form == "pem" else "DER"
    told = subprocess.run(
        ["openssl", "x509", "-inform", inform, "-noout", "-fingerprint", "-sha256"],
        input=data, capture_output=True, check=True,
    ).stdout.decode()  # fmt: skip
    wanted = json.loads(run(settings, "certs", "show", "--json").output)["ca_sha256"]
    assert told.split("=")[1].strip().replace(":", "").lower() == wanted
    assert isinstance(run(settings, "certs", "export-ca", str(target)).exception, ConflictError)
    nowhere = run(settings, "certs", "export-ca", str(tmp_path / "no" / "ca"))
    assert isinstance(nowhere.exception, ApplianceError)
    assert "cannot be written" in nowhere.exception.message


@pytest.mark.parametrize("system", SYSTEMS)
def test_hints_for_one_system(settings: Settings, system: str) -> None:
    """Only that system's steps, numbered, with the file it takes and how the fingerprint is compared."""
    shown = run(settings, "certs", "install-hints", "--os", system).output
    (hint,) = (hint for hint in HINTS if hint.system == system)
    assert hint.title in shown
    assert all(f"{number}. {step}" in shown for number, step in enumerate(hint.steps, 1))
    assert not any(f"{other.title} (exambox" in shown for other in HINTS if other.system != system)
    assert "Compare the fingerprint" in shown


def test_hints_for_all(settings: Settings) -> None:
    """Without a system, all of them."""
    shown = run(settings, "certs", "install-hints").output
    assert all(hint.title in shown for hint in HINTS)


def test_without_a_certificate_each_command_says_what_to_do(settings: Settings, db: Database) -> None:
    """Show and renew name the command that makes one."""
    for words in (("show",), ("renew",), ("renew", "--if-due")):
        problem = run(settings, "certs", *words).exception
        assert isinstance(problem, NotFoundError)
        assert "exambox certs create" in problem.hint


def test_the_servers_key_is_for_the_dashboards_group_on_a_provisioned_box_alone(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root on a provisioned box gives the key to the dashboard's group, where there is one; others to nobody."""
    from appliance.config import BoxSettings

    provisioned = type(settings)(box=BoxSettings(trial=False), paths=settings.paths)
    monkeypatch.setattr(certs.os, "geteuid", lambda: 0)
    monkeypatch.setattr(certs.grp, "getgrnam", lambda name: {"exambox-web": _Group()}[name])
    assert certs.store_of(provisioned) == CertificateStore(settings.tls_dir, 4711)
    assert certs.store_of(settings) == CertificateStore(settings.tls_dir)
    monkeypatch.setattr(certs.os, "geteuid", lambda: 1000)
    assert certs.store_of(provisioned) == CertificateStore(settings.tls_dir)
    monkeypatch.setattr(certs.os, "geteuid", lambda: 0)
    monkeypatch.setattr(certs, "GROUP", "no-such-group")
    assert certs.store_of(provisioned) == CertificateStore(settings.tls_dir)


class _Group:
    gr_gid = 4711
