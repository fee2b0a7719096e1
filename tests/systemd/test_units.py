"""The units, accounts and folders: understood by systemd, tightly sandboxed, and in step with the code."""

from __future__ import annotations

import configparser
import ipaddress
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from appliance.commands.hub import PROCESSES as HUB_PROCESSES
from appliance.commands.processes import NotOfThisRoleError
from appliance.commands.run import PROCESSES as PROCESS_WORDS
from appliance.config import BoxSettings, Settings
from appliance.devices.guard import MOUNTS

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "systemd"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
JOBS = {"exambox-certs-renew.service"}
PROCESSES = [name for name in SERVICES if name not in JOBS]
TIMERS = sorted(path.name for path in UNITS.glob("*.timer"))
MOST_EXPOSURE = 1.5
SETTINGS = Settings(box=BoxSettings(trial=False))
# What systemd adds to every unit or ours name; empty stand-ins make the staged root complete.
STAND_INS = ("basic", "multi-user", "network", "shutdown", "sysinit", "time-set", "time-sync", "timers", "umount")

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    """A root folder with our units installed and what they refer to."""
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    for name in STAND_INS:
        (units / f"{name}.target").write_text("[Unit]\nDescription=stand-in\n", encoding="utf-8")
    tmpfiles = "[Service]\nType=oneshot\nExecStart=/opt/exambox/venv/bin/exambox\n"
    (units / "systemd-tmpfiles-setup.service").write_text(tmpfiles, encoding="utf-8")
    for unit in [path for path in UNITS.iterdir() if path.is_file()]:
        shutil.copy(unit, units)
    program = tmp_path / "opt/exambox/venv/bin/exambox"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    return tmp_path


def _verify(stage: Path) -> str:
    """Return all that systemd-analyze has to say about our units; it says nothing when all is well."""
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", f"--root={stage}", "exambox.target", *SERVICES, *TIMERS],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout + done.stderr + ("" if done.returncode == 0 else f"exit code {done.returncode}")


@pytest.mark.systemd
@needs_systemd
def test_systemd_understands_every_unit(stage: Path) -> None:
    """``systemd-analyze verify`` finds nothing to say about any unit."""
    assert _verify(stage) == ""


@pytest.mark.systemd
@needs_systemd
@pytest.mark.parametrize("broken", ["Restrat=always", "ExecStart=/opt/exambox/no-such-program"])
def test_a_wrong_line_would_be_found(stage: Path, broken: str) -> None:
    """The check above sees a misspelt key and a program that is not there."""
    unit = stage / "etc/systemd/system/exambox-web.service"
    unit.write_text(re.sub(r"(?m)^ExecStart=.*$", f"ExecStart=/bin/true\n{broken}", unit.read_text()))
    assert broken.split("=", maxsplit=1)[0] in _verify(stage) or "not executable" in _verify(stage)


@pytest.mark.systemd
@needs_systemd
@pytest.mark.parametrize("service", SERVICES)
def test_each_service_is_sandboxed(service: str) -> None:
    """``systemd-analyze security --offline`` rates each service at most 1.5."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNITS / service)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    rated = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert rated, done.stdout + done.stderr
    assert float(rated[1]) <= MOST_EXPOSURE


@pytest.mark.systemd
@pytest.mark.skipif(shutil.which("systemd-sysusers") is None, reason="systemd-sysusers is not installed")
def test_accounts_are_made_as_described(tmp_path: Path) -> None:
    """Sysusers makes an account a process, and only capture and keyring may read the device key."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/group").write_text("video:x:44:\n")
    config = UNITS / "sysusers.d/exambox.conf"
    subprocess.run(["systemd-sysusers", f"--root={tmp_path}", str(config)], check=True, capture_output=True, timeout=60)
    groups = {
        line.split(":")[0]: set(filter(None, line.strip().split(":")[3].split(",")))
        for line in (tmp_path / "etc/group").read_text().splitlines()
    }
    assert groups["exambox"] == {f"exambox-{name}" for name in ("capture", "keyring", "web", "sync", "devices")}
    assert groups["exambox-sign"] == {"exambox-capture", "exambox-keyring"}
    assert "exambox-web" in groups["exambox-exchange"]
    assert not groups["exambox-exchange"] & {"exambox-capture", "exambox-keyring"}
    assert groups["video"] == {"exambox-capture"}
    shells = {line.split(":")[0]: line.split(":")[6] for line in (tmp_path / "etc/passwd").read_text().splitlines()}
    assert all(shells[user].endswith("nologin") for user in groups["exambox"])


def _service(name: str) -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNITS / name, encoding="utf-8")
    return parser["Service"]


@pytest.mark.parametrize("service", PROCESSES)
def test_each_process_restarts_at_once_and_for_ever(service: str) -> None:
    """A process that dies is started again within half a second, is watched, and is never given up."""
    values = _service(service)
    assert values["Restart"] == "always"
    assert values["RestartSec"] in {"200ms", "500ms"}
    assert int(values["WatchdogSec"]) <= 30
    assert values["Type"] == "notify"
    assert "StartLimitIntervalSec=0" in (UNITS / service).read_text()


@pytest.mark.parametrize("service", PROCESSES)
def test_each_process_runs_as_itself(service: str) -> None:
    """A unit starts the subcommand of its name under the account of its name."""
    values = _service(service)
    name = service.removeprefix("exambox-").removesuffix(".service")
    assert values["ExecStart"].split()[1:] == list(PROCESS_WORDS[name])
    assert values["User"] == f"exambox-{name}"
    assert values["Group"] == "exambox"
    assert values["PrivateTmp"] == "yes"


@pytest.mark.parametrize("service", PROCESSES)
def test_one_target_starts_a_box_and_a_central_service(service: str) -> None:
    """What a central service has no use for ends by a status that systemd takes for an orderly end, once."""
    values, status = _service(service), str(NotOfThisRoleError.exit_code)
    on_a_hub = service.removeprefix("exambox-").removesuffix(".service") in HUB_PROCESSES
    expected = None if on_a_hub else status
    assert values.get("SuccessExitStatus") == values.get("RestartPreventExitStatus") == expected


def test_folders_are_those_of_the_settings() -> None:
    """Every folder a unit may write is made by tmpfiles, for that process, where the settings expect it."""
    made = {}
    for line in (UNITS / "tmpfiles.d/exambox.conf").read_text().splitlines():
        if line and not line.startswith("#"):
            _kind, path, mode, user, group, _age = line.split()
            made[path] = (mode, user, group)
    assert made[str(SETTINGS.database.parent)] == ("2770", "root", "exambox")
    assert made[str(SETTINGS.database)] == ("0660", "root", "exambox")
    assert made[str(SETTINGS.vault_dir)] == ("2750", "exambox-capture", "exambox")
    assert made[str(SETTINGS.keys_dir)] == ("0750", "root", "exambox")
    assert made[str(SETTINGS.tls_dir)] == ("0755", "root", "root")
    for service in SERVICES:
        for path in _service(service)["ReadWritePaths"].split():
            if path.removeprefix("-").startswith("/sys/"):  # the kernel's own
                continue
            mode, user, group = made[path]
            shared = group == "exambox" and mode[2] == "7"
            assert shared or user == _service(service)["User"]


def test_sockets_are_where_the_settings_expect_them() -> None:
    """The run folder of capture, keyring, sync and devices is the one the settings name."""
    places = {"capture": SETTINGS.live_socket, "keyring": SETTINGS.keyring_socket, "sync": SETTINGS.sync_beat}
    places["devices"] = SETTINGS.devices_beat
    for service, socket in places.items():
        folder = _service(f"exambox-{service}.service")["RuntimeDirectory"]
        assert socket.parent == Path("/run") / folder


def test_only_the_dashboard_and_who_renews_may_read_the_servers_key() -> None:
    """The group the key is given to is the dashboard's own; capture and keyring are not in it."""
    from appliance.commands.certs import GROUP

    in_it = {service for service in SERVICES if GROUP in _service(service).get("SupplementaryGroups", "").split()}
    assert in_it == {"exambox-web.service", "exambox-certs-renew.service"}
    members = [line.split() for line in (UNITS / "sysusers.d/exambox.conf").read_text().splitlines()]
    assert not [words for words in members if words[:1] == ["m"] and words[2] == GROUP]


def test_the_dashboard_reaches_the_centre_and_never_the_internet() -> None:
    """Private networks, link-local and multicast (mDNS) are allowed, everything else is denied."""
    values = _service("exambox-web.service")
    assert values["IPAddressDeny"] == "any"
    allowed = values["IPAddressAllow"].split()
    assert {"localhost", "multicast"} <= set(allowed)
    networks = [ipaddress.ip_network(one) for one in allowed if one[0].isdigit() or ":" in one]
    assert all(network.is_private for network in networks)
    for address in map(ipaddress.ip_address, ("10.1.1.1", "172.31.1.1", "192.168.0.9", "fd12::1")):
        assert any(address in network for network in networks if network.version == address.version)


def test_the_certificate_is_looked_at_each_hour_as_long_as_the_box_runs() -> None:
    """A timer of the target runs the renewal, which is root without a capability, and quiet without a certificate."""
    timer = (UNITS / "exambox-certs-renew.timer").read_text()
    assert "OnCalendar=hourly" in timer
    assert "PartOf=exambox.target" in timer
    assert "exambox-certs-renew.timer" in (UNITS / "exambox.target").read_text()
    job = _service("exambox-certs-renew.service")
    assert job["ExecStart"].endswith("exambox certs renew --if-due")
    assert (job["User"], job["CapabilityBoundingSet"], job["NoNewPrivileges"]) == ("root", "", "yes")
    unit = (UNITS / "exambox-certs-renew.service").read_text()
    assert f"ConditionPathExists={SETTINGS.tls_dir}/current/server.pem" in unit


def test_the_install_guide_installs_every_kind_of_unit() -> None:
    """No unit is left behind."""
    guide = (ROOT / "docs/operator/install.md").read_text(encoding="utf-8")
    kinds = {path.suffix for path in UNITS.iterdir() if path.is_file()}
    assert all(f"systemd/*{kind}" in guide for kind in kinds)


def test_sync_calls_outward_and_listens_nowhere() -> None:
    """The process that delivers may reach any LMS, binds no port, and alone beside the dashboard opens its secrets."""
    values = _service("exambox-sync.service")
    assert values["SocketBindDeny"] == "any"
    assert "IPAddressDeny" not in values
    members = [line.split() for line in (UNITS / "sysusers.d/exambox.conf").read_text().splitlines()]
    assert {words[1] for words in members if words[:1] == ["m"] and words[2] == "exambox-exchange"} == {
        "exambox-sync",
        "exambox-web",
    }


def test_the_process_that_watches_usb_alone_may_write_sysfs_and_has_no_network_camera_or_vault() -> None:
    """One right over files, worth something for the kernel's switches alone; no socket but netlink and AF_UNIX."""
    for service in PROCESSES:
        writes = " ".join(_all_of(service, "ReadWritePaths"))
        assert ("/sys/" in writes) == (service == "exambox-devices.service")
    values = _service("exambox-devices.service")
    assert values["CapabilityBoundingSet"] == values["AmbientCapabilities"] == "CAP_DAC_OVERRIDE"
    assert set(values["RestrictAddressFamilies"].split()) == {"AF_UNIX", "AF_NETLINK"}
    assert (values["IPAddressDeny"], values["SocketBindDeny"], values["PrivateDevices"]) == ("any", "any", "yes")
    assert values["TemporaryFileSystem"] == f"{SETTINGS.state_dir}:ro"
    seen = " ".join(
        _all_of("exambox-devices.service", "BindPaths") + _all_of("exambox-devices.service", "BindReadOnlyPaths")
    )
    folder = SETTINGS.keys_dir
    mounts = f"/proc/1/mountinfo:{SETTINGS.state_dir}/{MOUNTS}"
    assert seen.split() == [str(SETTINGS.database.parent), f"-{folder}/box.json", f"-{folder}/usb.key", mounts]
    # The kernel's events reach it in the first user namespace alone, and it has to see how the box is reached.
    assert not {"PrivateUsers", "PrivateNetwork"} & set(values)


def _all_of(service: str, key: str) -> list[str]:
    lines = (UNITS / service).read_text(encoding="utf-8").splitlines()
    return [line.removeprefix(f"{key}=") for line in lines if line.startswith(f"{key}=")]
