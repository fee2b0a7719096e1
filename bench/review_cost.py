"""How soon a picture is there after a seek, and how soon a small one, in a vault of a month and eight cameras."""

from __future__ import annotations

import os
import random
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appliance.clock import SECOND_US
from appliance.vault.part_files import part_path
from appliance.web.account.accounts import create_account
from appliance.web.account.sessions import open_session
from bench.old_vault import CAMERAS, FIRST_S, LAST_S, Place, as_mp4, old_vault
from bench.page_cost import CHROMIUM, CHROMIUM_ARGUMENTS, percentile
from bench.review_browser import PEER_LOOPS, browse, browse_plain, file_server
from bench.review_server import WIDTH, Server, ffmpeg_picture, read_plainly
from bench.rig import CLOCK, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from bench.rig import BenchBox

SEEK_GOAL_BROWSER_MS, SEEK_GOAL_SERVER_MS, THUMBNAIL_GOAL_MS = 150, 50, 30


def measure(cache: Path, stream: Path, folder: Path, *, runs: int) -> dict[str, Any]:
    """Seek through a month of eight cameras.

    Args:
        cache: where the vault and films are kept.
        stream: 20 seconds of 1080p25, Annex B.
        folder: for what is made for this run.
        runs: how often each sitting's page is opened anew.
    """
    from playwright.sync_api import sync_playwright

    box, places = old_vault(cache, as_mp4(stream))
    film = as_mp4(stream, PEER_LOOPS)
    box.start("keyring", "web")
    try:
        token = _token(box)
        at = f"http://127.0.0.1:{box.settings.web.port}"
        server = Server(box.settings.web.port, token)
        wait_for(server.answers, 30, "the dashboard's answer")
        seeks, files = [], []
        for run in range(runs):
            moments = _moments(places, seed=run)
            _forget(box, places)
            seeks += [server.seek(*moment) for moment in moments]
            _forget(box, places)
            files += [read_plainly(box, *moment) for moment in moments]
        server.thumbnail(places[0], places[0].start_us + 2 * SECOND_US)  # the first one starts the decoding child
        small = [server.thumbnail(*moment) for run in range(runs) for moment in _moments(places, seed=100 + run)]
        peers = [ffmpeg_picture(film, second, folder) for second in _seconds(min(len(small), 60))]
        with sync_playwright() as playwright, file_server(film) as address:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
            eight = [
                seen for run in range(runs) for seen in browse(browser, at, token, places, cameras=CAMERAS, run=run)
            ]
            one = [seen for run in range(runs) for seen in browse(browser, at, token, places, cameras=1, run=run)]
            plain = browse_plain(browser, address, len(one))
            browser.close()
    finally:
        box.stop()
    return _report(Measured(seeks, files, small, peers, eight, one, plain))


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything in milliseconds; of a page, the first and the last camera's picture."""

    seeks: list[dict[str, float]]
    files: list[float]
    thumbnails: list[float]
    ffmpeg: list[float]
    eight: list[tuple[float, float]]
    one: list[tuple[float, float]]
    plain: list[float]


def _report(found: Measured) -> dict[str, Any]:
    server = [sum(seek.values()) for seek in found.seeks]
    first = [seek[0] for seek in found.one]
    return {
        "seek_ms_p95": {
            "value": _p95(first),
            "goal": SEEK_GOAL_BROWSER_MS,
            "what": "from the seek to the first new picture on screen (requestVideoFrameCallback), headless Chromium, "
            "one camera of a sitting of 8 in a vault of 30 days x 8 cameras (5,760 parts), 1080p25, 4 Mbit/s, places "
            "not seen before",
            "median": round(statistics.median(first), 1),
            "seeks": len(first),
            "peer": "the same pictures as one plain MP4 from a file server, the browser's own player",
            "peer_value": _p95(found.plain),
            "eight_cameras_first_ms_p95": _p95([seek[0] for seek in found.eight]),
            "eight_cameras_all_ms_p95": _p95([seek[1] for seek in found.eight]),
        },
        "seek_server_ms_p95": {
            "value": _p95(server),
            "goal": SEEK_GOAL_SERVER_MS,
            "what": "where the keyframe lies + the initialisation segment + the segment, one after the other over "
            "HTTP, opened by the keyring and decrypted; the part files' pages not in memory",
            "median": round(statistics.median(server), 1),
            "seeks": len(server),
            "share_ms_p95": {name: _p95([seek[name] for seek in found.seeks]) for name in found.seeks[0]},
            "peer": "the same bytes read by SQLite alone, neither looked for, opened nor sent",
            "peer_value": _p95(found.files),
        },
        "thumbnail_ms_p95": {
            "value": _p95(found.thumbnails),
            "goal": THUMBNAIL_GOAL_MS,
            "what": f"a JPEG {WIDTH} wide of the keyframe before a moment, over HTTP, none asked for before: found, "
            "decrypted, decoded from 1080p in the child process",
            "median": round(statistics.median(found.thumbnails), 1),
            "pictures": len(found.thumbnails),
            "peer": "ffmpeg -ss on a plain MP4 of the same pictures, one process a picture",
            "peer_value": _p95(found.ffmpeg),
        },
    }


def _p95(values: list[float]) -> float:
    return round(percentile(values), 1)


def _moments(places: list[Place], *, seed: int) -> list[tuple[Place, int]]:
    """Return each place once, in an order that is the same each time, with a moment in its pictures."""
    chance = random.Random(seed)  # noqa: S311  a reproducible order
    return [
        (place, place.start_us + round(chance.uniform(FIRST_S, LAST_S) * SECOND_US))
        for place in chance.sample(places, len(places))
    ]


def _seconds(count: int) -> list[float]:
    chance = random.Random(3)  # noqa: S311  a reproducible order
    return [chance.uniform(FIRST_S, PEER_LOOPS * 20 - 2) for _ in range(count)]


def _forget(box: BenchBox, places: list[Place]) -> None:
    """Let the kernel forget the files that are sought, as after a restart."""
    os.sync()
    for place in places:
        path = part_path(box.settings.vault_dir, place.sitting, place.camera, place.part)
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def _token(box: BenchBox) -> str:
    row = box.db.conn.execute("SELECT id FROM account WHERE name = 'reviewer'").fetchone()
    account = row[0] if row else create_account(
        box.db, "reviewer", "reviewer", "Quokka-7-violin!stove", clock=CLOCK, who="bench"
    ).id  # fmt: skip
    return open_session(box.db, account, address="127.0.0.1", clock=CLOCK)
