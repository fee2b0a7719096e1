"""mDNS: announces this box and hears others, with zeroconf. It runs in threads of its own and fails alone."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from zeroconf import ServiceBrowser, ServiceInfo, ServiceStateChange, Zeroconf

from appliance import __version__, log
from appliance.certificates.host import local_addresses
from appliance.errors import UnavailableError
from appliance.web.lan.announcement import SERVICE, Neighbour, instance_name, neighbour, properties

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_HEARD: Final = 200
ASK_MS: Final = 1500
ADDRESSES_EVERY_SECONDS: Final = 30.0
STOP_SECONDS: Final = 5.0
_LOG = log.get(__name__)


class Neighbours:
    """Hears the boxes of the network; a context manager. Names beyond 200 are not taken.

    Args:
        interfaces: addresses to use; None: all of the machine's.

    Raises:
        UnavailableError: this machine has no network to listen on.
    """

    def __init__(self, interfaces: Sequence[str] | None = None) -> None:
        options: dict[str, Any] = {"interfaces": list(interfaces)} if interfaces else {}
        self._lock = threading.Lock()
        self._heard: dict[str, Neighbour] = {}
        try:
            self.zeroconf = Zeroconf(**options)
        except (OSError, RuntimeError) as problem:
            raise UnavailableError(
                "This machine cannot listen for other boxes.",
                hint="Check that it is on a network, and that UDP port 5353 is open.",
            ) from problem
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
        """Take one announcement; runs in the browser's thread, which no announcement may end."""
        try:
            self._take(zeroconf, service_type, name, gone=state_change is ServiceStateChange.Removed)
        except Exception as problem:  # noqa: BLE001  whatever somebody announces, others are heard
            _LOG.info("an announcement makes no sense", name=ascii(name)[:80], reason=str(problem)[:200])

    def _take(self, zeroconf: Zeroconf, service_type: str, name: str, *, gone: bool) -> None:
        with self._lock:
            if gone:
                self._heard.pop(name, None)
                return
            if name not in self._heard and len(self._heard) >= MAX_HEARD:
                return  # a flood is not even asked
        info = ServiceInfo(service_type, name)
        if not info.request(zeroconf, ASK_MS):
            return
        found = neighbour(name, info.server or "", info.port or 0, info.parsed_addresses(), info.properties)
        with self._lock:
            if found is not None:
                self._heard[name] = found
            else:
                self._heard.pop(name, None)


@dataclass(frozen=True, slots=True)
class Announced:
    """What a box says of itself; ``fingerprint`` is its authority's, in hex, or empty."""

    room: str
    box: str
    host: str
    port: int
    fingerprint: str


class Announcer:
    """Announces this box as long as it runs, and again when what it says or its addresses change.

    Args:
        told: asked each time for what to say.
        addresses: asked each time for the addresses to announce and to speak from; none: not on a network now.
        every_seconds: how often it looks.
    """

    def __init__(
        self,
        told: Callable[[], Announced],
        addresses: Callable[[], Sequence[str]] = local_addresses,
        *,
        every_seconds: float = ADDRESSES_EVERY_SECONDS,
    ) -> None:
        self._told, self._addresses, self._every = told, addresses, every_seconds
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._neighbours: Neighbours | None = None
        self._thread = threading.Thread(target=self._run, name="mdns", daemon=True)

    def start(self) -> None:
        """Begin; a network that is not there yet is waited for."""
        self._thread.start()

    def stop(self) -> None:
        """Take the announcement back and end."""
        self._stop.set()
        self._thread.join(STOP_SECONDS)
        self._leave()

    def heard(self) -> list[Neighbour]:
        """Return the boxes that are heard now; this one is among them."""
        with self._lock:
            return self._neighbours.heard() if self._neighbours is not None else []

    def _run(self) -> None:
        known: object = None
        while not self._stop.is_set():
            try:
                wished = self._told(), tuple(self._addresses())
                if wished != known:
                    self._leave()
                    self._announce(*wished)
                    known = wished
            except Exception as problem:  # noqa: BLE001  whatever the network does, the dashboard goes on
                known = None
                _LOG.warning("the box could not be announced", reason=str(problem))
            self._stop.wait(self._every)

    def _leave(self) -> None:
        with self._lock:
            left, self._neighbours = self._neighbours, None
        if left is not None:
            left.close()

    def _announce(self, told: Announced, addresses: tuple[str, ...]) -> None:
        if not addresses:
            return
        made = Neighbours(addresses)
        with self._lock:
            self._neighbours = made
        info = ServiceInfo(
            SERVICE,
            f"{instance_name(told.room, told.box)}.{SERVICE}",
            port=told.port,
            properties=properties(__version__, told.box, told.fingerprint),
            server=f"{told.host}.local.",
            parsed_addresses=list(addresses),
        )
        made.zeroconf.register_service(info, allow_name_change=True)
