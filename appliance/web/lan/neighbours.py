"""mDNS: announces this box and hears others, with zeroconf. It runs in threads of its own and fails alone."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any, Final, Self

from zeroconf import ServiceBrowser, ServiceInfo, ServiceStateChange, Zeroconf

from appliance import __version__, log
from appliance.certificates.host import local_addresses
from appliance.web.lan.announcement import SERVICE, Neighbour, instance_name, neighbour, properties

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_HEARD: Final = 200
ASK_MS: Final = 1500
ADDRESSES_EVERY_SECONDS: Final = 30.0
_LOG = log.get(__name__)


class Neighbours:
    """Hears the boxes of the network; a context manager. Names beyond 200 are not taken.

    Args:
        interfaces: addresses to use; None: all of the machine's.
    """

    def __init__(self, interfaces: Sequence[str] | None = None) -> None:
        options: dict[str, Any] = {"interfaces": list(interfaces)} if interfaces else {}
        self.zeroconf = Zeroconf(**options)
        self._lock = threading.Lock()
        self._heard: dict[str, Neighbour] = {}
        self._browser = ServiceBrowser(self.zeroconf, SERVICE, handlers=[self._changed])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop hearing, and take back what was announced."""
        with contextlib.suppress(Exception):  # a network that is gone
            self.zeroconf.close()

    def heard(self) -> list[Neighbour]:
        """Return the boxes there are now, by name."""
        with self._lock:
            return sorted(self._heard.values())

    def listen(self, seconds: float) -> list[Neighbour]:
        """Wait for answers, then return the boxes there are."""
        time.sleep(seconds)
        return self.heard()

    def _changed(self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        if state_change is ServiceStateChange.Removed:
            with self._lock:
                self._heard.pop(name, None)
            return
        info = ServiceInfo(service_type, name)
        if not info.request(zeroconf, ASK_MS):
            return
        found = neighbour(name, info.server or "", info.port or 0, info.parsed_addresses(), info.properties)
        with self._lock:
            if found is not None and (name in self._heard or len(self._heard) < MAX_HEARD):
                self._heard[name] = found


class Announcer:
    """Announces this box as long as it runs, and again when its addresses change."""

    def __init__(self, *, room: str, box: str, host: str, port: int, interfaces: Sequence[str] | None = None) -> None:
        self._room, self._box, self._host, self._port = room, box, host, port
        self._interfaces = interfaces
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._neighbours: Neighbours | None = None
        self._info: ServiceInfo | None = None
        self._thread = threading.Thread(target=self._run, name="mdns", daemon=True)

    def start(self) -> None:
        """Begin; a network that is not there yet is waited for."""
        self._thread.start()

    def stop(self) -> None:
        """Take the announcement back and end."""
        self._stop.set()
        self._thread.join(5)
        with self._lock:
            if self._neighbours is not None:
                self._neighbours.close()
                self._neighbours = None

    def heard(self) -> list[Neighbour]:
        """Return the boxes that are heard now; this one is among them."""
        with self._lock:
            return self._neighbours.heard() if self._neighbours is not None else []

    def _run(self) -> None:
        known: list[str] = []
        while not self._stop.is_set():
            addresses = list(self._interfaces or local_addresses())
            if addresses != known:
                try:
                    self._announce(addresses)
                    known = addresses
                except Exception as problem:  # noqa: BLE001  whatever the network does, the dashboard goes on
                    _LOG.warning("the box could not be announced", reason=str(problem))
            self._stop.wait(ADDRESSES_EVERY_SECONDS)

    def _announce(self, addresses: Sequence[str]) -> None:
        with self._lock:
            if self._neighbours is not None:
                self._neighbours.close()
            self._neighbours = Neighbours(addresses or None)
            zeroconf = self._neighbours.zeroconf
        self._info = ServiceInfo(
            SERVICE,
            f"{instance_name(self._room, self._box)}.{SERVICE}",
            port=self._port,
            properties=properties(__version__, self._box),
            server=f"{self._host}.local.",
            parsed_addresses=list(addresses),
        )
        zeroconf.register_service(self._info, allow_name_change=True)
