"""Which streams an ONVIF device offers whoever signs in (ONVIF Media, GetProfiles and GetStreamUri).

Runs in a child process: the library reads whatever the device sends, of any size. The process may speak to the device
alone, whatever address an answer or a redirect names.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from appliance.cameras.credentials import split_address
from appliance.capture.onvif.model import OnvifOffer, OnvifStream, plain
from appliance.capture.sources.failure_words import camera_error
from appliance.errors import BadInputError, CameraError

if TYPE_CHECKING:
    from appliance.cameras.credentials import Credential
    from appliance.capture.onvif.model import OnvifTarget

MAX_STREAMS = 12
# What the library raises at answers that are XML but not what they should be.
_UNREADABLE = (AttributeError, KeyError, TypeError, ValueError, RecursionError, LookupError)
_UNAUTHORISED = ("notauthorized", "not authorized", "unauthorized", "failedauthentication", "401", "sender not auth")


def speak_only_to(host: str) -> None:
    """Let this process connect to one IPv4 address and to nothing else from now on."""

    def look(event: str, given: tuple[Any, ...]) -> None:
        if event == "socket.connect" and given[0].family != socket.AF_UNIX and given[1][0] != host:
            raise PermissionError(f"only {host} may be spoken to")

    sys.addaudithook(look)


def ask_streams(target: OnvifTarget, credential: Credential | None, seconds: float) -> OnvifOffer:
    """Sign in and return what the device offers.

    Raises:
        CameraError: ``unauthorised``, ``refused``, ``unreachable``, ``timeout``, ``no_video`` or ``invalid``.
    """
    from aiohttp import ClientError  # noqa: PLC0415  these bring zeep and lxml along, which only this child needs
    from onvif import ONVIFError  # noqa: PLC0415
    from zeep.exceptions import Error as ZeepError  # noqa: PLC0415

    logging.disable(logging.CRITICAL)  # the library writes addresses and answers to it
    speak_only_to(target.host)
    what = f"{target.host}:{target.port}"
    try:
        return asyncio.run(asyncio.wait_for(_ask(target, credential), seconds))
    except TimeoutError:
        raise camera_error("timeout", what) from None
    except CameraError:
        raise
    except (ONVIFError, ZeepError, ClientError, OSError, *_UNREADABLE) as problem:
        # None of their texts is passed on: they may hold what was sent.
        raise camera_error(_reason(problem), what) from None


async def _ask(target: OnvifTarget, credential: Credential | None) -> OnvifOffer:
    from onvif import ONVIFCamera  # noqa: PLC0415  as above

    user, password = (credential.user, credential.password) if credential else (None, None)
    # no_cache: there is no home folder to keep it in. nat_override: services are asked at this address alone.
    camera = ONVIFCamera(
        f"{'https' if target.tls else 'http'}://{target.host}",
        target.port,
        user,
        password,
        no_cache=True,
        adjust_time=True,
        nat_override=False,
    )
    camera.rewrite_url = lambda url: _at_target(url, target)
    try:
        await camera.update_xaddrs()
        device = await camera.create_devicemgmt_service()
        facts = await device.GetDeviceInformation()
        media = await camera.create_media_service()
        profiles = (await media.GetProfiles() or [])[:MAX_STREAMS]
        found = [await _stream(media, profile, target) for profile in profiles]
    finally:
        with contextlib.suppress(OSError):
            await camera.close()
    streams = [stream for stream in found if stream]
    if not streams:
        raise camera_error("no_video", f"{target.host}:{target.port}")
    return OnvifOffer(maker=plain(facts.Manufacturer), model=plain(facts.Model), streams=streams)


def _at_target(url: str | None, target: OnvifTarget) -> str:
    """Return a service's address at the device itself, whatever host the device named."""
    parts = urlsplit(url or "")
    query = f"?{parts.query}" if parts.query else ""
    return f"{'https' if target.tls else 'http'}://{target.host}:{target.port}{parts.path}{query}"


async def _stream(media: Any, profile: Any, target: OnvifTarget) -> OnvifStream | None:
    setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
    answer = await media.GetStreamUri({"StreamSetup": setup, "ProfileToken": profile.token})
    address = stream_address(str(answer.Uri or ""), target.host)
    if address is None:
        return None
    encoder = getattr(profile, "VideoEncoderConfiguration", None)
    size, rate = getattr(encoder, "Resolution", None), getattr(encoder, "RateControl", None)
    return OnvifStream(
        name=plain(getattr(profile, "Name", "") or profile.token),
        address=address,
        codec=plain(getattr(encoder, "Encoding", "")),
        width=_number(size, "Width"),
        height=_number(size, "Height"),
        fps=float(_number(rate, "FrameRateLimit")),
        kbit=_number(rate, "BitrateLimit"),
    )


def stream_address(said: str, host: str) -> str | None:
    """Return the address of a stream at the device itself, without user and password; None where it is no address.

    A device that knows itself by another address (of before it was moved, of another network) is asked where it
    answered: nobody else is ever told the password.
    """
    try:
        clean, _ = split_address(said)
        parts = urlsplit(clean)
        if parts.scheme != "rtsp":
            return None
        return parts._replace(netloc=f"{host}:{parts.port}" if parts.port else host).geturl()
    except (BadInputError, ValueError):
        return None


def _number(holder: Any, name: str) -> int:
    try:
        return max(0, min(int(getattr(holder, name)), 1_000_000))
    except (AttributeError, TypeError, ValueError, OverflowError):
        return 0


def _reason(problem: BaseException) -> str:
    words = f"{problem} {getattr(problem, 'subcodes', '')} {getattr(problem, 'status_code', '')}".lower()
    if any(word in words for word in _UNAUTHORISED):
        return "unauthorised"
    for one in (problem, problem.__cause__, getattr(problem, "os_error", None)):
        if isinstance(one, TimeoutError):
            return "timeout"
        number = getattr(one, "errno", None)
        if number == errno.ECONNREFUSED:
            return "refused"
        if number in {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN}:
            return "unreachable"
    return "invalid"
