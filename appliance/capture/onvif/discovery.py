"""Looking for cameras with WS-Discovery: a question to everybody on the network, and what answers within seconds.

Messages are made and read by the library wsdiscovery; its own networking is not used, because one answer it does not
understand ends it, and because an answer's sender, which is the one thing that can be believed, is not told.
Only IPv4: cameras answer there, whatever else they speak.
"""

from __future__ import annotations

import selectors
import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import unquote

from wsdiscovery import QName
from wsdiscovery.actions import NS_ACTION_PROBE_MATCH, constructProbe
from wsdiscovery.message import createSOAPMessage, parseSOAPMessage

from appliance.capture.onvif.model import OnvifDevice, plain, service_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from ipaddress import IPv4Interface

GROUP, PORT = "239.255.255.250", 3702
MAX_DATAGRAM = 65_535
MAX_ANSWERS = 1_000
MAX_DEVICES = 64
# UDP loses messages: asked three times (WS-Discovery, appendix I, with fewer repeats).
ASK_AT_SECONDS = (0.0, 0.4, 1.0)
_TYPES = (
    ("http://www.onvif.org/ver10/network/wsdl", "NetworkVideoTransmitter", "dn"),
    ("http://www.onvif.org/ver10/device/wsdl", "Device", "tds"),
)
_SCOPE = "onvif://www.onvif.org/"
# What wsdiscovery's reader raises at messages that are XML but not what they should be.
_UNREADABLE = (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError)


def search(networks: Sequence[IPv4Interface], seconds: float) -> list[OnvifDevice]:
    """Ask on each network for ``seconds`` and return who answered, by address. Without a network: nobody."""
    with selectors.DefaultSelector() as selector:
        for network in networks:
            selector.register(_socket(network), selectors.EVENT_READ, network)
        try:
            found = _listen(selector, seconds) if networks else {}
        finally:
            for key in list(selector.get_map().values()):
                key.fileobj.close()  # type: ignore[union-attr]  # sockets were registered
    return [found[host] for host in sorted(found, key=socket.inet_aton)]


def _socket(network: IPv4Interface) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)  # noqa: FBT003  the library's signature
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, network.ip.packed)
    sock.bind((str(network.ip), 0))
    return sock


def _listen(selector: selectors.BaseSelector, seconds: float) -> dict[str, OnvifDevice]:
    began = time.monotonic()
    to_ask = list(ASK_AT_SECONDS)
    found: dict[str, OnvifDevice] = {}
    heard = 0
    while (passed := time.monotonic() - began) < seconds and heard < MAX_ANSWERS:
        if to_ask and passed >= to_ask[0]:
            to_ask.pop(0)
            _ask([key.fileobj for key in selector.get_map().values()])  # type: ignore[misc]  # sockets
        until = min(seconds, *to_ask) if to_ask else seconds
        for key, _ in selector.select(max(0.0, began + until - time.monotonic())):
            heard += 1
            device = _heard(key.fileobj, key.data)  # type: ignore[arg-type]  # a socket
            if device and (device.host in found or len(found) < MAX_DEVICES):
                found.setdefault(device.host, device)
    return found


def _ask(sockets: Iterable[socket.socket]) -> None:
    for namespace, name, prefix in _TYPES:
        message = createSOAPMessage(constructProbe([QName(namespace, name, prefix)], None)).encode()
        for sock in sockets:
            try:
                sock.sendto(message, (GROUP, PORT))
            except OSError:
                continue  # a network that is down, or without multicast


def _heard(sock: socket.socket, network: IPv4Interface) -> OnvifDevice | None:
    try:
        data, sender = sock.recvfrom(MAX_DATAGRAM)
    except OSError:
        return None
    if _on(network, sender[0]):
        return device_of(data, sender[0])
    return None


def _on(network: IPv4Interface, sender: str) -> bool:
    return socket.inet_aton(sender) != b"\0\0\0\0" and type(network)(f"{sender}/32").ip in network.network


def device_of(data: bytes, sender: str) -> OnvifDevice | None:
    """Return the device behind one answer, or None where it is none (pure).

    Args:
        data: the datagram; everything in it is whatever the sender chose.
        sender: its address, as the network says.
    """
    # SOAP has no document types; with them come entities (SOAP 1.2, part 1, 5). A NUL is UTF-16, which hides them.
    if b"<!DOCTYPE" in data or b"\0" in data:
        return None
    try:
        envelope = parseSOAPMessage(data, sender)
        if envelope is None or envelope.getAction() != NS_ACTION_PROBE_MATCH:
            return None
        matches = envelope.getProbeResolveMatches()[:8]
        scopes = [str(scope.getValue()) for match in matches for scope in match.getScopes()][:100]
        addresses = [str(address) for match in matches for address in match.getXAddrs()]
        types = [str(kind.getLocalname()) for match in matches for kind in match.getTypes()]
    except _UNREADABLE:
        return None
    if "NetworkVideoTransmitter" not in types and not any(scope.startswith(_SCOPE) for scope in scopes):
        return None
    port, tls = service_of(addresses, sender)
    said = {word: _scope(scopes, word) for word in ("name", "hardware", "location")}
    return OnvifDevice(host=sender, port=port, tls=tls, **said)


def _scope(scopes: list[str], word: str) -> str:
    start = f"{_SCOPE}{word}/"
    return next((plain(unquote(scope[len(start) :])) for scope in scopes if scope.startswith(start)), "")
