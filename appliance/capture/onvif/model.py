"""What is known of an ONVIF device, and the rule about addresses: a device speaks for its own address and no other."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec

from appliance.errors import BadInputError

MAX_TEXT = 120
HTTP_PORT = 80


class OnvifDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device as it describes itself; every text is whatever it chose to say, without control characters."""

    host: str
    """Its address as the network says; never what it claims."""
    port: int = HTTP_PORT
    tls: bool = False
    name: str = ""
    hardware: str = ""
    location: str = ""

    @property
    def service(self) -> str:
        """The base of its ONVIF service's address."""
        return f"{'https' if self.tls else 'http'}://{self.host}"


class OnvifStream(msgspec.Struct, frozen=True, kw_only=True):
    """One stream a device offers; ``address`` is without user and password and names the device's own host."""

    name: str
    address: str
    codec: str = ""
    width: int = 0
    height: int = 0
    fps: float = 0.0
    kbit: int = 0


class OnvifOffer(msgspec.Struct, frozen=True, kw_only=True):
    """What a device offers a signed-in user."""

    maker: str
    model: str
    streams: list[OnvifStream]


class OnvifTarget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a device's ONVIF service is asked for."""

    host: Annotated[str, msgspec.Meta(max_length=45)]
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = HTTP_PORT
    tls: bool = False


def checked_target(target: OnvifTarget, networks: list[ipaddress.IPv4Interface]) -> OnvifTarget:
    """Return the target if it stands on a network this box is on.

    Raises:
        BadInputError: it is no address, or not of this network: the box asks no stranger on anybody's behalf.
    """
    try:
        address = ipaddress.IPv4Address(target.host)
    except ValueError:
        raise BadInputError(f"{target.host[:60]} is no IPv4 address.", hint="Look for cameras again.") from None
    if not any(address in one.network for one in networks):
        raise BadInputError(
            f"{address} is not on a network of this box.", hint="Add the camera by its RTSP address instead."
        )
    return target


def plain(text: Any) -> str:
    """Return a device's text shortened and without control characters."""
    return "".join(letter for letter in str(text or "") if letter.isprintable())[:MAX_TEXT].strip()


def service_of(addresses: list[str], sender: str) -> tuple[int, bool]:
    """Return port and whether TLS is spoken, of the service address that names the sender itself; else the usual ones.

    What names another host is not believed: a device could make the box ask somebody else.
    """
    for address in addresses[:16]:
        try:
            parts = urlsplit(address.strip())
            port = parts.port
        except ValueError:
            continue
        if parts.scheme in {"http", "https"} and parts.hostname == sender:
            return port or (443 if parts.scheme == "https" else HTTP_PORT), parts.scheme == "https"
    return HTTP_PORT, False
