"""A machine with USB that is not there: umockdev's testbed, driven line by line; run by Debian's own python3.

    umockdev-wrapper /usr/bin/python3 tests/support/umock_machine.py

Programs that are to see the testbed are its children. Each line of standard input is a JSON object, each answer a line:

    {"do": "add", "text": …}            devices by their description (umockdev's form); the kernel tells of each
    {"do": "gone", "place": …}          a device goes: its event, then its folder
    {"do": "event", "place": …, "action": …}
    {"do": "storm", "places": […], "rounds": n, "pause_us": n}    devices that are there go and come
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

CATCHING_S = 0.02


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
    if what == "add":
        began = now()
        bed.add_from_string(asked["text"])
        return {"us": began}
    if what == "gone":
        return remove(bed, asked["place"])
    if what == "event":
        bed.uevent(f"/sys{asked['place']}", asked["action"])
        return {"us": now()}
    if what == "storm":
        return storm(bed, asked)
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
    """Let devices that are there go and come again, each time with its events, as fast as they are taken.

    umockdev ends where a receiver's queue is full (ten messages), so its messages are caught once, and sent by a socket
    that waits: what the receiver gets is what umockdev sends.
    """
    folder = Path(bed.get_root_dir())
    receivers = sorted(folder.glob("event[0-9]*"))
    messages = [_caught(bed, folder, place, action) for place in asked["places"] for action in ("remove", "add")]
    pause_us = asked["pause_us"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        began, count = now(), 0
        for _ in range(asked["rounds"]):
            for message in messages:
                count += 1
                while now() < began + count * pause_us:
                    time.sleep(0.0001)
                for receiver in receivers:
                    out.sendto(message, str(receiver))
        return {"us": began, "ended_us": now(), "events": count + len(messages)}


def _caught(bed: UMockdev.Testbed, folder: Path, place: str, action: str) -> bytes:
    """Return the message umockdev sends of an event; the others get it too."""
    path = folder / "event9999"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
        own.bind(str(path))
        bed.uevent(f"/sys{place}", action)
        message = own.recv(65536)
    path.unlink()
    time.sleep(CATCHING_S)
    return message


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
