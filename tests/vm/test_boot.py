"""The box under real systemd: each process under its own account, recording, and back at once after a crash."""

from __future__ import annotations

import ipaddress
import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.vm import container

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.vm.container import Container

pytestmark = pytest.mark.vm

PROCESSES = ("capture", "keyring", "web", "sync")
PASSPHRASE = "a long passphrase for the review key"
CREDENTIAL = "/run/credentials/exambox-keyring.service/exambox.review-passphrase"
BACK_SECONDS = 3.0
STILL_OPEN = 11  # `exambox recordings verify`: nothing wrong, but not over yet

STATUS = """
import json
from pathlib import Path
from appliance.ipc.live import LiveClient
print(json.dumps(LiveClient(Path("/run/exambox/capture/live.sock")).status()))
"""
GAPS = """
import json
from pathlib import Path
from appliance.vault.recording import list_recordings
print(json.dumps([
    [recording.camera, recording.start_us, recording.end_us, [[gap.start_us, gap.end_us] for gap in recording.gaps]]
    for recording in list_recordings(Path("/var/lib/exambox/vault"))
]))
"""
PAGE = """
import http.client
connection = http.client.HTTPConnection("127.0.0.1", 8480, timeout=5)
connection.request("GET", "/", headers={"Accept": "text/html"})
answer = connection.getresponse()
while answer.getheader("Location"):
    answer.read()
    connection.request("GET", answer.getheader("Location"), headers={"Accept": "text/html"})
    answer = connection.getresponse()
print(answer.status, answer.read().decode())
"""

SHOWN = """
import http.client, json, ssl
context = ssl.create_default_context(cafile="/var/lib/exambox/tls/current/ca.pem")
connection = http.client.HTTPSConnection("127.0.0.1", 8443, timeout=5, context=context)
connection.request("GET", "/certificate", headers={"Accept": "text/html"})
names = [name for _, name in connection.sock.getpeercert()["subjectAltName"]]
answer = connection.getresponse()
print(json.dumps([answer.status, connection.sock.version(), names, answer.read().decode()]))
"""


@pytest.fixture(scope="module")
def box() -> Iterator[Container]:
    """A booted box that records its test picture; its keyring is unlocked by a systemd credential."""
    missing = container.missing_tools()
    if missing:
        pytest.fail(f"this needs {', '.join(missing)}")
    tree = container.installed_tree(container.BUILD / "box")
    store = tree / "etc/credstore"
    store.mkdir(mode=0o700, exist_ok=True)
    (store / "exambox.review-passphrase").write_text(PASSPHRASE, encoding="utf-8")
    with (tree / "etc/exambox/config.toml").open("a", encoding="utf-8") as config:
        config.write(f'[keys]\npassphrase_file = "{CREDENTIAL}"\n[web]\nlan = true\n')
    with container.booted(tree) as running:
        running.run("exambox", "keys", "init", "--passphrase-file", "/etc/credstore/exambox.review-passphrase")
        running.run("exambox", "certs", "create")
        running.run("systemctl", "enable", "--now", "exambox.target")
        for name in PROCESSES:
            running.until_state(f"exambox-{name}", "active")
        running.run("exambox", "cameras", "add", "pattern:1280x720@25", "--name", "Room", "--role", "room")
        running.run("exambox", "recordings", "start")
        running.until(lambda: _segments(running) >= 2, 30)
        yield running


def _status(box: Container) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(box.python(STATUS))
    return answer


def _segments(box: Container) -> int:
    return sum(camera["segments"] for camera in _status(box)["cameras"])


def _sitting(box: Container) -> str:
    return box.run("ls", "/var/lib/exambox/vault").split()[0]


def _pid(box: Container, name: str) -> int:
    return int(box.property(f"exambox-{name}", "MainPID"))


def _as_user(box: Container, user: str, *command: str) -> int:
    return box.code("runuser", "-u", user, "--", *command)


@pytest.mark.parametrize("name", PROCESSES)
def test_each_process_runs_under_its_own_account(box: Container, name: str) -> None:
    """A process and all its children belong to the account of its name and have no capability."""
    group = box.property(f"exambox-{name}", "ControlGroup")
    pids = box.run("cat", f"/sys/fs/cgroup{group}/cgroup.procs").split()
    assert pids
    uid = box.run("id", "-u", f"exambox-{name}").strip()
    for pid in pids:
        status = dict(line.split(":", 1) for line in box.run("cat", f"/proc/{pid}/status").splitlines())
        assert set(status["Uid"].split()) == {uid}
        assert int(status["CapEff"], 16) == 0
        assert status["NoNewPrivs"].strip() == "1"
        assert status["Seccomp"].strip() == "2"


def test_the_test_picture_is_sealed(box: Container) -> None:
    """Segments are committed one after another, none older than four seconds, and the files hold no readable video."""
    before = _segments(box)
    box.until(lambda: _segments(box) >= before + 2, 15)
    camera = _status(box)["cameras"][0]
    assert camera["state"] == "live"
    assert camera["recording"] is True
    assert camera["last_segment_age_ms"] < 4000
    assert box.code("grep", "-rlaE", "moof|mdat|ftyp", "/var/lib/exambox/vault") == 1


def test_the_dashboard_answers(box: Container) -> None:
    """A stranger on loopback gets a page that asks for the first account or a sign-in, and nothing else."""
    page = box.python(PAGE)
    assert "<form" in page, page[:500]
    assert 'type="password"' in page


def _listeners(box: Container, port: int) -> set[str]:
    """Return the IPv4 addresses somebody listens at with a port; ``any IPv6`` for its sockets."""
    four = [line.split() for line in box.run("cat", "/proc/net/tcp").splitlines()[1:]]
    six = [line.split() for line in box.run("cat", "/proc/net/tcp6").splitlines()[1:]]
    wanted = f":{port:04X}"
    found = {ipaddress.ip_address(bytes.fromhex(one[1][:8])[::-1]).compressed
             for one in four if one[1].endswith(wanted) and one[3] == "0A"}  # fmt: skip
    return found | {"any IPv6" for one in six if one[1].endswith(wanted) and one[3] == "0A"}


def _shown(box: Container) -> tuple[int, str, list[str], str]:
    status, version, names, page = json.loads(box.python(SHOWN))
    return status, version, names, page


def test_the_dashboard_is_offered_by_https(box: Container) -> None:
    """Its certificate is verified for its name; the page that makes devices trust it shows the fingerprint."""
    status, version, names, page = _shown(box)
    assert (status, version) == (200, "TLSv1.3")
    assert "localhost" in names
    shown = json.loads(box.run("exambox", "certs", "show", "--json"))
    assert shown["ca_sha256"][:4].upper() in page
    assert _listeners(box, 8480) == {"127.0.0.1"}


def test_only_the_dashboard_reads_the_servers_key(box: Container) -> None:
    """Neither capture nor keyring could stand in for the dashboard, and nobody but root reads the authority's key."""
    current = "/var/lib/exambox/tls/current"
    assert _as_user(box, "exambox-web", "cat", f"{current}/server.key") == 0
    for user in ("exambox-capture", "exambox-keyring", "nobody"):
        assert _as_user(box, user, "cat", f"{current}/server.key") != 0
    for user in ("exambox-web", "exambox-capture", "exambox-keyring", "nobody"):
        assert _as_user(box, user, "cat", f"{current}/ca.key") != 0
        assert _as_user(box, user, "cat", f"{current}/ca.pem") == 0


def test_the_certificate_is_renewed_by_its_timer_s_job_and_used_without_a_restart(box: Container) -> None:
    """A further name is in the certificate the running dashboard shows after the job, which has no capability."""
    assert box.property("exambox-certs-renew.timer", "ActiveState") == "active"
    box.run("systemctl", "start", "exambox-certs-renew.service")
    assert box.property("exambox-certs-renew.service", "Result") == "success"
    before, pid = _shown(box)[2], _pid(box, "web")
    box.run("mkdir", "-p", "/etc/exambox/conf.d")
    box.run("sh", "-c", "printf '[web]\\nnames = [\"second.local\"]\\n' > /etc/exambox/conf.d/names.toml")
    box.run("systemctl", "start", "exambox-certs-renew.service")
    after = _shown(box)[2]
    assert "second.local" not in before
    assert "second.local" in after
    assert _pid(box, "web") == pid
    assert "certificate was renewed" in box.run("exambox", "log", "show")
    assert _as_user(box, "exambox-web", "cat", "/var/lib/exambox/tls/current/server.key") == 0
    assert _as_user(box, "exambox-capture", "cat", "/var/lib/exambox/tls/current/server.key") != 0


def test_the_recording_verifies(box: Container) -> None:
    """A running recording has no finding at the level of its chain; that it is still open is said."""
    assert [row[0] for row in json.loads(box.python(GAPS))] == ["room"]
    assert box.code("exambox", "recordings", "verify", _sitting(box), "--level", "chain") == STILL_OPEN


@pytest.mark.parametrize("user", ["exambox-web", "exambox-capture", "nobody"])
def test_the_keyring_s_memory_and_key_are_its_own(box: Container, user: str) -> None:
    """No other account reads the keyring's memory, its environment or the review key."""
    pid = _pid(box, "keyring")
    for path in (f"/proc/{pid}/mem", f"/proc/{pid}/environ", f"/proc/{pid}/maps"):
        assert _as_user(box, user, "head", "-c", "1", path) != 0
    assert _as_user(box, user, "cat", "/var/lib/exambox/keys/review.key") != 0
    assert _as_user(box, user, "cat", CREDENTIAL) != 0
    # The same reads succeed for the account itself, so the refusals above mean something.
    assert _as_user(box, "exambox-keyring", "cat", "/var/lib/exambox/keys/review.key") == 0


def test_rights_end_where_the_job_ends(box: Container) -> None:
    """The dashboard cannot write recordings nor sign; the keyring cannot write recordings; a stranger gets nothing."""
    vault, device = "/var/lib/exambox/vault", "/var/lib/exambox/keys/device.key"
    for user in ("exambox-web", "exambox-keyring", "nobody"):
        assert _as_user(box, user, "touch", f"{vault}/x") != 0
    assert _as_user(box, "exambox-web", "cat", device) != 0
    assert _as_user(box, "exambox-keyring", "cat", device) == 0
    assert _as_user(box, "exambox-web", "ls", vault) == 0
    for path in (vault, "/var/lib/exambox/db", "/var/lib/exambox/keys", "/run/exambox/keyring"):
        assert _as_user(box, "nobody", "ls", path) != 0


def test_the_secrets_shared_with_lmss_are_for_who_speaks_with_them(box: Container) -> None:
    """Web and sync read the keys that open them and speak for the box; capture, keyring and strangers do not."""
    for key in ("exchange.key", "centre.key", "centre-seal.key"):
        path = f"/var/lib/exambox/keys/{key}"
        for user in ("exambox-web", "exambox-sync"):
            assert _as_user(box, user, "cat", path) == 0
        for user in ("exambox-capture", "exambox-keyring", "nobody"):
            assert _as_user(box, user, "cat", path) != 0


def test_the_keyring_was_unlocked_by_its_credential(box: Container) -> None:
    """A passphrase in systemd's credential store unlocks the review key without a person."""
    status = json.loads(box.run("exambox", "keys", "status", "--json"))
    assert status["locked"] is False


def test_every_process_feeds_its_watchdog(box: Container) -> None:
    """After longer than the longest watchdog, systemd has restarted nothing."""

    def uptime(name: str) -> float:
        now = float(box.run("cat", "/proc/uptime").split()[0])
        return now - int(box.property(f"exambox-{name}", "ActiveEnterTimestampMonotonic")) / 1e6

    box.until(lambda: min(map(uptime, PROCESSES)) > 35, 60)
    assert [box.property(f"exambox-{name}", "NRestarts") for name in PROCESSES] == ["0"] * len(PROCESSES)


def test_all_processes_share_the_database(box: Container) -> None:
    """Database and companions belong to the shared group, whichever process made them, and nobody else reads them."""
    for line in box.run("stat", "--format=%A %G %n", "-t", "/var/lib/exambox/db/exambox.db").splitlines():
        assert line.startswith("-rw-rw---- exambox ")
    listed = box.run("sh", "-c", "stat --format='%A %G' /var/lib/exambox/db/exambox.db*").splitlines()
    assert set(listed) == {"-rw-rw---- exambox"}


@pytest.mark.parametrize("name", ["web", "keyring", "sync", "capture"])
def test_a_killed_process_costs_at_most_three_seconds(box: Container, name: str) -> None:
    """Kill -9 of any process: it is back by itself, and the recording has no hole longer than three seconds."""
    before, killed_us = _pid(box, name), time.time_ns() // 1000
    box.run("systemctl", "kill", "--signal=KILL", f"exambox-{name}")
    box.until(lambda: _pid(box, name) not in {0, before}, 10)
    box.until_state(f"exambox-{name}", "active", 20)

    def recorded_since() -> bool:
        return bool(json.loads(box.python(GAPS))[0][2] >= killed_us + 5_000_000)

    box.until(recorded_since, 30)
    holes = [gap for gap in json.loads(box.python(GAPS))[0][3] if gap[1] > killed_us]
    longest = max((end - start for start, end in holes), default=0) / 1e6
    assert (longest > 0) is (name == "capture")
    assert longest <= BACK_SECONDS


def test_a_stop_is_orderly(box: Container) -> None:
    """`systemctl stop` ends all of them without a kill, and every part is closed."""
    box.run("systemctl", "stop", "exambox.target", timeout=60)
    for name in PROCESSES:
        box.until_state(f"exambox-{name}", "inactive", 20)
        assert box.property(f"exambox-{name}", "Result") == "success"
    said = box.run("journalctl", "--no-pager", "-o", "cat", "-u", "exambox-capture", ok=False)
    assert not re.search(r"Traceback", said)
    box.run("exambox", "recordings", "verify", _sitting(box), "--level", "chain", "--ended")
