"""A seek and a small picture, asked of the dashboard over HTTP, and what the same costs a plain file and ffmpeg."""

from __future__ import annotations

import http.client
import json
import sqlite3
import subprocess
import time
from typing import TYPE_CHECKING

from appliance.vault.part_files import part_path
from appliance.web.browser_session import SESSION_COOKIE
from bench.old_vault import REAL_AT_US, SEGMENT_US

if TYPE_CHECKING:
    from pathlib import Path

    from bench.old_vault import Place
    from bench.rig import BenchBox

WIDTH = 160


class Server:
    """Asks the dashboard as a player does, over one connection."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._headers = {"Cookie": f"{SESSION_COOKIE}={token}", "Accept": "application/json"}
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def answers(self) -> bool:
        """Return whether it answers at all yet."""
        try:
            self._get("/healthz")
        except (OSError, http.client.HTTPException, SystemExit):
            self._connection.close()
            return False
        return True

    def seek(self, place: Place, at_us: int) -> dict[str, float]:
        """Return the milliseconds of each request of a seek."""
        base = f"/api/recordings/{place.sitting}/{place.camera}"
        spent: dict[str, float] = {}
        found = json.loads(self._timed("seek", spent, f"{base}/seek?at_us={at_us}"))
        self._timed("init", spent, f"{base}/{found['part']}/init")
        self._timed("segment", spent, f"{base}/{found['part']}/{found['seq']}")
        return spent

    def thumbnail(self, place: Place, at_us: int) -> float:
        """Return the milliseconds a small picture takes."""
        spent: dict[str, float] = {}
        path = f"/api/recordings/{place.sitting}/{place.camera}/thumbnail?at_us={at_us}&width={WIDTH}"
        self._timed("picture", spent, path)
        return spent["picture"]

    def _timed(self, name: str, spent: dict[str, float], path: str) -> bytes:
        begun = time.perf_counter()
        body = self._get(path)
        spent[name] = (time.perf_counter() - begun) * 1000
        return body

    def _get(self, path: str) -> bytes:
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != http.client.OK:
            raise SystemExit(f"bench: {path} answered {answer.status}: {body[:300]!r}")
        return body


def read_plainly(box: BenchBox, place: Place, at_us: int) -> float:
    """Return the milliseconds SQLite alone takes to read what a seek there needs, still sealed."""
    path = part_path(box.settings.vault_dir, place.sitting, place.camera, place.part)
    begun = time.perf_counter()
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    seq = 1 + (at_us - place.start_us + REAL_AT_US) // SEGMENT_US
    connection.execute("SELECT data FROM record WHERE seq IN (0, ?)", (seq,)).fetchall()
    connection.close()
    return (time.perf_counter() - begun) * 1000


def ffmpeg_picture(film: Path, second: float, folder: Path) -> float:
    """Return the milliseconds ffmpeg takes for a small picture of a plain film."""
    target = folder / "peer.jpg"
    begun = time.perf_counter()
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-ss", f"{second:.3f}", "-i", str(film), "-frames:v", "1",
         "-vf", f"scale={WIDTH}:-2", str(target)],
        check=True,
    )  # fmt: skip
    return (time.perf_counter() - begun) * 1000
