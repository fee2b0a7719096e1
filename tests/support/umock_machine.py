"""A machine with USB that is not there: umockdev's testbed, driven line by line; run by Debian's own python3.

    umockdev-wrapper /usr/bin/python3 tests/support/umock_machine.py

Programs that are to see the testbed are its children. Each line of standard input is a JSON object, each answer a line:

    {"do": "add", "text": …}            devices by their description (umockdev's form); the kernel tells of each
    {"do": "gone", "place": …}          a device goes: its event, then its folder
    {"do": "event", "place": …, "action": …}
    {"do": "prepare", "text": …, "place": …}    a device whose folder is made, and whose link and event wait for:
    {"do": "appear", "place": …}        at the moment that is answered
    {"do": "storm", "places": […], "rounds": n}     prepared devices come and go as fast as can be
    {"do": "run", "argv": […], "log": …}                          start a program; answers its pid
    {"do": "kill", "pid": …, "signal": …}                         and wait for its end; answers how
    {"do": "now"}                       the boot's clock in microseconds
    {"do": "end"}

The first line it writes is where the testbed's ``/sys`` is.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from gi import require_version

require_version("UMockdev", "1.0")
from gi.repository import UMockdev  # noqa: E402  after its version is chosen

prepared: dict[str, tuple[Path, str, bytes]] = {}


def main() -> None:
    """Do what each line says."""
    bed = UMockdev.Testbed.new()
    children: dict[int, subprocess.Popen[bytes]] = {}
    answer({"sys": bed.get_sys_dir()})
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["do"] == "end":
            break
        answer(act(bed, children, asked))
    for child in children.values():
        child.kill()
        child.wait()


def act(bed: UMockdev.Testbed, children: dict[int, subprocess.Popen[bytes]], asked: dict) -> dict:
    """Do one thing and return what is answered."""
    what = asked["do"]
    if what in {"storm", "prepare", "appear"}:
        return {"storm": storm, "prepare": prepare, "appear": appear}[what](bed, asked)
    if what == "add":
        began = now()
        bed.add_from_string(asked["text"])
        return {"us": began}
    if what == "gone":
        return remove(bed, asked["place"])
    if what == "event":
        began = now()
        bed.uevent(f"/sys{asked['place']}", asked["action"])
        return {"us": began}
    return {"us": now()} if what == "now" else program(children, asked)


def program(children: dict[int, subprocess.Popen[bytes]], asked: dict) -> dict:
    """Start a program, or end one."""
    if asked["do"] == "run":
        with Path(asked["log"]).open("ab") as log:
            child = subprocess.Popen(asked["argv"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        children[child.pid] = child
        return {"pid": child.pid}
    child = children.pop(asked["pid"])
    child.send_signal(asked["signal"])
    return {"status": child.wait(20)}


def storm(bed: UMockdev.Testbed, asked: dict) -> dict:
    """Let prepared devices be there, and go and come, each time with its events, as fast as they are taken.

    umockdev ends where a receiver's queue is full (ten messages), so its messages are caught once, and sent by a socket
    that waits: what the receiver gets is what umockdev sends.
    """
    receivers = sorted(Path(bed.get_root_dir()).glob("event[0-9]*"))
    messages = []
    for place in asked["places"]:
        link, target, message = prepared.pop(place)
        messages += [message, message.replace(b"ACTION=add", b"ACTION=remove")]
        link.symlink_to(target, target_is_directory=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        began, count = now(), 0
        for turn in range(asked["rounds"]):
            for number, message in enumerate(messages):
                if turn == asked["rounds"] - 1 and number % 2:
                    continue  # at the end they are there
                count += 1
                for receiver in receivers:
                    out.sendto(message, str(receiver))
        return {"us": began, "ended_us": now(), "events": count}


def prepare(bed: UMockdev.Testbed, asked: dict) -> dict:
    """Make a device's folder, and keep back its link and its event."""
    place = asked["place"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
        path = Path(bed.get_root_dir()) / "event9999"
        own.bind(str(path))
        bed.add_from_string(asked["text"])
        message = own.recv(65536)
    path.unlink()
    link = Path(bed.get_sys_dir()) / "bus/usb/devices" / place.rpartition("/")[2]
    prepared[place] = (link, str(link.readlink()), message)
    link.unlink()
    return {}


def appear(bed: UMockdev.Testbed, asked: dict) -> dict:
    """Let a prepared device be there and told of, in the kernel's order."""
    link, target, message = prepared.pop(asked["place"])
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        link.symlink_to(target, target_is_directory=True)
        began = now()
        for receiver in sorted(Path(bed.get_root_dir()).glob("event[0-9]*")):
            out.sendto(message, str(receiver))
    return {"us": began}


def remove(bed: UMockdev.Testbed, place: str) -> dict:
    """Take a device away as the kernel does: its link first, then its event, then its folder."""
    root = Path(bed.get_sys_dir())
    folder = root / place.lstrip("/")
    for link in (root / "bus/usb/devices").iterdir():
        if folder in (link.resolve(), *link.resolve().parents):
            link.unlink()
    began = now()
    bed.uevent(f"/sys{place}", "remove")
    shutil.rmtree(folder)
    return {"us": began}


def now() -> int:
    """Return the boot's clock in microseconds."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def answer(said: dict) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
