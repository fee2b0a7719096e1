"""A Debian tree with the box installed as docs/operator/install.md says, booted under real systemd in a container.

Needs root, mmdebstrap and systemd-nspawn. Package sources and pip's settings are this machine's own. The plain tree is
made once and kept in ``build/vm``, this source is installed in it once a run; ``EXAMBOX_VM_SUITE`` chooses another
Debian than trixie.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "vm"
SOURCE = Path("root/exambox")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
INSIDE = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8"}
# This machine's own service manager, if there is one, is left alone.
NSPAWN = ("--register=no", "--keep-unit", "--timezone=off", "--link-journal=no")
MMDEBSTRAP = (
    "--mode=root",
    "--variant=minbase",
    '--aptopt=Apt::Install-Recommends "false"',
)
BOOT = ("--boot", "--resolv-conf=off", "--private-network", "--console=read-only")
BOOT_SECONDS = 60.0


class ContainerError(Exception):
    """Building or booting the tree failed; the message holds what was said."""


@dataclass(frozen=True)
class Base:
    """A plain Debian tree to install the box in.

    Attributes:
        name: its folder's in ``build/vm``, behind the suite's.
        packages: beside what every tree has.
        hooks: shell lines run with the tree's folder as ``$1`` before packages are installed.
    """

    name: str
    packages: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()


PACKAGES = ("systemd", "systemd-sysv", "dbus", "python3", "python3-venv", "ca-certificates")
PLAIN = Base("base")


def missing_tools() -> list[str]:
    """Return what this machine lacks to build and boot a tree."""
    tools = [name for name in ("mmdebstrap", "systemd-nspawn", "nsenter") if shutil.which(name) is None]
    return tools if os.geteuid() == 0 else [*tools, "root"]


def base_tree(base: Base = PLAIN) -> Path:
    """Return the plain Debian tree, made if it is missing."""
    suite = os.environ.get("EXAMBOX_VM_SUITE", "trixie")
    tree = BUILD / f"{suite}-{base.name}"
    if not (tree / "usr/lib/systemd/systemd").exists():
        shutil.rmtree(tree, ignore_errors=True)
        BUILD.mkdir(parents=True, exist_ok=True)
        exclude = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("man", "locale", "doc")]
        chosen = [f"--include={','.join((*PACKAGES, *base.packages))}"]
        chosen += [f"--essential-hook={line}" for line in base.hooks]
        run(["mmdebstrap", *MMDEBSTRAP, *exclude, *chosen, suite, str(tree), "-"], given=_sources(suite))
    return tree


def _sources(suite: str) -> str:
    """Return this machine's own Debian sources for another suite."""
    here = re.search(r"^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text(encoding="utf-8"), re.MULTILINE)
    files = sorted(Path("/etc/apt/sources.list.d").glob("*.sources"))
    if here is None or not files:
        raise ContainerError("This machine has no Debian package sources in /etc/apt/sources.list.d/*.sources.")
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    return re.sub(rf"\b{here[1]}\b", suite, re.sub(r"(?m)^#.*\n", "", text))


def installed_tree(target: Path, base: Base = PLAIN) -> Path:
    """Make ``target`` a tree in which this source is installed by the commands of install.md and was never started."""
    return _copied(_installed(base), target)


@functools.cache
def _installed(base: Base) -> Path:
    target = _copied(base_tree(base), BUILD / f"installed-{base.name}")
    _copy_source(target / SOURCE)
    shutil.copy("/etc/hosts", target / "etc/hosts")
    settings = _pip_settings(target)
    for block in shell_blocks("install.md"):
        run_in(target, "sh", "-euc", f"cd /{SOURCE}\n{block}", more=settings)
    return target


def run_in(tree: Path, *command: str, more: dict[str, str] | None = None) -> str:
    """Run a command as root in a tree that is not booted, with this machine's network, and return its output.

    Raises:
        ContainerError: it failed.
    """
    nspawn = ["systemd-nspawn", "--quiet", "-D", str(tree), "--as-pid2", "--pipe", *NSPAWN, "--resolv-conf=copy-host"]
    nspawn += [f"--setenv={name}={value}" for name, value in (INSIDE | (more or {})).items()]
    return run([*nspawn, *command])


def shell_blocks(document: str) -> list[str]:
    """Return the commands of an operator's document that run as they stand."""
    return re.findall(r"(?ms)^```sh\n(.*?)^```", (ROOT / "docs/operator" / document).read_text(encoding="utf-8"))


def _copied(source: Path, target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    run(["cp", "-a", "--reflink=auto", str(source), str(target)])
    return target


def _copy_source(target: Path) -> None:
    listed = run(["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "-z"])
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def _pip_settings(tree: Path) -> dict[str, str]:
    """Return this machine's pip settings for use inside the tree, with its certificates copied there."""
    asked = subprocess.run(["pip", "config", "get", "global.index-url"], capture_output=True, text=True, check=False)
    index = os.environ.get("PIP_INDEX_URL") or asked.stdout.strip()
    settings = {"PIP_INDEX_URL": index} if index else {}
    certificates = os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE")
    if certificates and Path(certificates).exists():
        shutil.copy(certificates, tree / "root/certificates.pem")
        settings["PIP_CERT"] = "/root/certificates.pem"
    return settings


class Container:
    """A booted tree."""

    def __init__(self, leader: int) -> None:
        self._leader = leader

    def run(self, *command: str, timeout: float = 60, ok: bool = True) -> str:
        """Run a command inside as root and return its output; with ``ok`` it has to succeed.

        Raises:
            ContainerError: it failed.
        """
        return run(self._inside(command), environ=INSIDE, timeout=timeout, ok=ok)

    def code(self, *command: str, timeout: float = 60) -> int:
        """Run a command inside and return its exit code."""
        done = subprocess.run(self._inside(command), env=INSIDE, capture_output=True, check=False, timeout=timeout)
        return done.returncode

    def python(self, code: str, *arguments: str) -> str:
        """Run code by the box's own Python inside."""
        return self.run("/opt/exambox/venv/bin/python", "-c", code, *arguments)

    def property(self, unit: str, name: str) -> str:
        """Return a property of a unit."""
        return self.run("systemctl", "show", "--value", f"--property={name}", unit).strip()

    def until(self, true: Callable[[], bool], seconds: float) -> None:
        """Wait for something with a bound.

        Raises:
            ContainerError: it did not come about; the message ends with what the journal says.
        """
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                said = self.run("journalctl", "--no-pager", "-n", "60", ok=False)
                raise ContainerError(f"not within {seconds} s:\n{said}")
            time.sleep(0.1)

    def until_state(self, unit: str, state: str, seconds: float = 40) -> None:
        """Wait until a unit is ``active`` or ``inactive``, with a bound.

        Raises:
            ContainerError: it does not come about.
        """
        self.until(lambda: self.property(unit, "ActiveState") == state, seconds)

    def _inside(self, command: tuple[str, ...]) -> list[str]:
        return ["nsenter", "-t", str(self._leader), "-a", "--", "env", "--chdir=/", *command]


@contextlib.contextmanager
def booted(tree: Path) -> Iterator[Container]:
    """Boot the tree with a network of its own (loopback only) and power it off at the end.

    Raises:
        ContainerError: systemd inside does not come up; the message ends with its console.
    """
    console = tree.with_suffix(".console.log")
    with console.open("wb") as log:
        process = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "-D", str(tree), *BOOT, *NSPAWN, f"--machine=exambox-{os.getpid()}"],
            env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        leader = 0
        try:
            leader = _wait_for_boot(process, console)
            yield Container(leader)
        finally:
            _power_off(process, leader)


def _wait_for_boot(process: subprocess.Popen[bytes], console: Path) -> int:
    deadline = time.monotonic() + BOOT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()
        if children:
            leader = int(children[0])
            state = subprocess.run(
                ["nsenter", "-t", str(leader), "-a", "--", "systemctl", "is-system-running"],
                capture_output=True,
                text=True,
                check=False,
            ).stdout.strip()
            if state in {"running", "degraded"}:
                return leader
        time.sleep(0.1)
    raise ContainerError("systemd did not come up:\n" + console.read_text(encoding="utf-8", errors="replace")[-3000:])


def _power_off(process: subprocess.Popen[bytes], leader: int) -> None:
    if leader and process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(leader, signal.SIGRTMIN + 4)  # systemd(1): power off
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=30)
    if process.poll() is None:
        process.kill()
        process.wait()


def run(
    command: list[str], *, given: str = "", environ: dict[str, str] | None = None, timeout: float = 900, ok: bool = True
) -> str:
    """Run a command and return its output; with ``ok`` it has to succeed.

    Raises:
        ContainerError: it failed; the message ends with what it said.
    """
    done = subprocess.run(
        command, input=given, env=environ, capture_output=True, text=True, check=False, timeout=timeout
    )
    if ok and done.returncode:
        raise ContainerError(f"{' '.join(command)[:400]}\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout
