"""An ONVIF camera's network side on loopback: answers WS-Discovery and the SOAP questions a recorder asks.

The shapes of its answers are those of devices on the market (gSOAP servers of Hikvision and Dahua kind): the
namespaces, the sign-in by WS-Security UsernameToken digest, scopes with percent-encoding, several addresses at once.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

GROUP, PORT = "239.255.255.250", 3702
LOOPBACK = "127.0.0.1"

_MATCH = """<?xml version="1.0" encoding="UTF-8"?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope" \
xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" \
xmlns:dn="http://www.onvif.org/ver10/network/wsdl" xmlns:tds="http://www.onvif.org/ver10/device/wsdl">\
<SOAP-ENV:Header><wsa:MessageID>urn:uuid:cea94000-fb96-11b3-8260-686dbc5cb15d</wsa:MessageID>\
<wsa:RelatesTo>{relates}</wsa:RelatesTo>\
<wsa:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</wsa:To>\
<wsa:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</wsa:Action>\
<d:AppSequence InstanceId="{instance}" MessageNumber="1"/></SOAP-ENV:Header>\
<SOAP-ENV:Body><d:ProbeMatches><d:ProbeMatch>\
<wsa:EndpointReference><wsa:Address>urn:uuid:4d454930-0000-1000-8000-bcad28a7ccef</wsa:Address></wsa:EndpointReference>\
<d:Types>dn:NetworkVideoTransmitter tds:Device</d:Types><d:Scopes>{scopes}</d:Scopes><d:XAddrs>{xaddrs}</d:XAddrs>\
<d:MetadataVersion>10</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches></SOAP-ENV:Body></SOAP-ENV:Envelope>"""

_ENVELOPE = """<?xml version="1.0" encoding="UTF-8"?>
<env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope" xmlns:tds="http://www.onvif.org/ver10/device/wsdl" \
xmlns:trt="http://www.onvif.org/ver10/media/wsdl" xmlns:tt="http://www.onvif.org/ver10/schema" \
xmlns:ter="http://www.onvif.org/ver10/error"><env:Body>{body}</env:Body></env:Envelope>"""

_FAULT = """<env:Fault><env:Code><env:Value>env:Sender</env:Value><env:Subcode><env:Value>ter:NotAuthorized</env:Value>\
</env:Subcode></env:Code><env:Reason><env:Text xml:lang="en">The action requested requires authorization and the \
sender is not authorized</env:Text></env:Reason></env:Fault>"""

_TIME = """<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType>\
<tt:DaylightSavings>false</tt:DaylightSavings><tt:UTCDateTime><tt:Time><tt:Hour>3</tt:Hour><tt:Minute>4</tt:Minute>\
<tt:Second>5</tt:Second></tt:Time><tt:Date><tt:Year>2016</tt:Year><tt:Month>1</tt:Month><tt:Day>2</tt:Day></tt:Date>\
</tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"""

_SERVICE = """<tds:Service><tds:Namespace>{namespace}</tds:Namespace><tds:XAddr>{xaddr}</tds:XAddr><tds:Version>\
<tt:Major>2</tt:Major><tt:Minor>60</tt:Minor></tds:Version></tds:Service>"""

_PROFILE = """<trt:Profiles fixed="true" token="{token}"><tt:Name>{name}</tt:Name>\
<tt:VideoEncoderConfiguration token="enc_{token}"><tt:Name>encoder</tt:Name><tt:UseCount>1</tt:UseCount>\
<tt:Encoding>{codec}</tt:Encoding><tt:Resolution><tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height></tt:Resolution>\
<tt:Quality>3</tt:Quality><tt:RateControl><tt:FrameRateLimit>{fps}</tt:FrameRateLimit><tt:EncodingInterval>1\
</tt:EncodingInterval><tt:BitrateLimit>{kbit}</tt:BitrateLimit></tt:RateControl><tt:H264><tt:GovLength>50</tt:GovLength>\
<tt:H264Profile>Main</tt:H264Profile></tt:H264><tt:SessionTimeout>PT60S</tt:SessionTimeout>\
</tt:VideoEncoderConfiguration></trt:Profiles>"""


def probe_match(
    *, scopes: str, xaddrs: str, relates: str = "urn:uuid:0a6dc791", instance: str = "1472537", head: str = ""
) -> bytes:
    """Return a ProbeMatches datagram."""
    text = _MATCH.format(scopes=scopes, xaddrs=xaddrs, relates=relates, instance=instance)
    return text.replace("?>\n", f"?>\n{head}", 1).encode()


class OnvifDevice:
    """One device; use it as a context manager.

    Args:
        name, hardware, location: what its scopes say, percent-encoded as devices do.
        user, password: who may ask for more than the time; empty: anybody.
        streams: profile name to the address its stream has.
        services_at: the base that GetServices names instead of its own.
        answer: makes the datagram instead, from the XAddrs that would be sent; None keeps silent.
        body: makes the SOAP body of an action instead of the usual one.
    """

    def __init__(
        self, *, name: str = "HIKVISION%20DS-2CD2042WD-I", hardware: str = "DS-2CD2042WD-I",
        location: str = "city/hangzhou", user: str = "", password: str = "", streams: dict[str, str] | None = None,
        services_at: str = "", answer: Callable[[str], bytes | None] | None = None,
        body: Callable[[str], bytes | None] | None = None,
    ) -> None:  # fmt: skip
        self.scopes = (
            "onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/Profile/Streaming "
            f"onvif://www.onvif.org/hardware/{hardware} onvif://www.onvif.org/name/{name} "
            f"onvif://www.onvif.org/location/{location}"
        )
        self.user, self.password = user, password
        self.streams = streams or {}
        self.services_at, self.answer, self.body = services_at, answer, body
        self.asked: list[str] = []
        self._http = ThreadingHTTPServer((LOOPBACK, 0), self._handler())
        self.port: int = self._http.server_address[1]
        self._udp = _group_socket()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._http.serve_forever, self._hear)]

    @property
    def xaddr(self) -> str:
        """Where its device service is."""
        return f"http://{LOOPBACK}:{self.port}/onvif/device_service"

    def __enter__(self) -> Self:
        """Start."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self._http.shutdown()
        self._http.server_close()
        self._udp.shutdown_and_close()

    def _hear(self) -> None:
        while (heard := self._udp.receive()) is not None:
            data, sender = heard
            if b"NetworkVideoTransmitter" not in data:
                continue
            relates = re.search(rb"<a:MessageID>([^<]*)<", data)
            # Real devices name every address they have, an old one among them.
            xaddrs = f"http://192.0.2.64/onvif/device_service {self.xaddr}"
            made = (
                self.answer(xaddrs) if self.answer
                else probe_match(scopes=self.scopes, xaddrs=xaddrs, relates=(relates[1].decode() if relates else ""))
            )  # fmt: skip
            if made is not None:
                self._udp.send(made, sender)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        device = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                status, answer = device.soap(sent)
                self.send_response(status)
                self.send_header("Content-Type", "application/soap+xml; charset=utf-8")
                self.send_header("Content-Length", str(len(answer)))
                if status == 307:
                    self.send_header("Location", device.services_at)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_said: Any) -> None:
                pass

        return Handler

    def soap(self, sent: bytes) -> tuple[int, bytes]:
        """Answer one SOAP question."""
        found = re.search(rb"Body[^>]*>\s*<(?:\w+:)?(\w+)", sent)
        action = found[1].decode() if found else ""
        self.asked.append(action)
        own = self.body(action) if self.body else None
        if own is not None:
            return 200, own
        if action == "GetSystemDateAndTime":
            return self._ok(_TIME)
        if self.user and not self._signed(sent):
            return 400, _ENVELOPE.format(body=_FAULT).encode()
        return self._ok(self._body(action, sent))

    @staticmethod
    def _ok(body: str) -> tuple[int, bytes]:
        return 200, _ENVELOPE.format(body=body).encode()

    def _signed(self, sent: bytes) -> bool:
        """Check the UsernameToken's digest (WS-Security UsernameToken Profile 1.0); its date must be the device's."""
        text = sent.decode()
        parts = {
            word: found[1]
            for word in ("Username", "Password", "Nonce", "Created")
            if (found := re.search(rf"<(?:\w+:)?{word}(?:\s[^>]*)?>([^<]*)<", text))
        }
        if len(parts) < 4 or not parts["Created"].startswith("2016-01-02T03:0"):
            return False
        digest = hashlib.sha1(  # noqa: S324  what the profile prescribes
            base64.b64decode(parts["Nonce"]) + parts["Created"].encode() + self.password.encode()
        ).digest()
        return parts["Username"] == self.user and base64.b64decode(parts["Password"]) == digest

    def _body(self, action: str, sent: bytes) -> str:
        if action == "GetServices":
            base = self.services_at or f"http://{LOOPBACK}:{self.port}"
            named = {
                "http://www.onvif.org/ver10/device/wsdl": f"{base}/onvif/device_service",
                "http://www.onvif.org/ver10/media/wsdl": f"{base}/onvif/Media",
            }
            rows = "".join(_SERVICE.format(namespace=space, xaddr=address) for space, address in named.items())
            return f"<tds:GetServicesResponse>{rows}</tds:GetServicesResponse>"
        if action == "GetDeviceInformation":
            return (
                "<tds:GetDeviceInformationResponse><tds:Manufacturer>HIKVISION</tds:Manufacturer>"
                "<tds:Model>DS-2CD2042WD-I</tds:Model><tds:FirmwareVersion>V5.4.5 build 170123</tds:FirmwareVersion>"
                "<tds:SerialNumber>DS-2CD2042WD-I20160527AACH605551131</tds:SerialNumber>"
                "<tds:HardwareId>88</tds:HardwareId></tds:GetDeviceInformationResponse>"
            )
        if action == "GetProfiles":
            sizes = [(2688, 1520, 20, 4096), (640, 360, 25, 512)]
            rows = "".join(
                _PROFILE.format(
                    token=f"Profile_{n}", name=html.escape(name), codec="H264", width=w, height=h, fps=fps, kbit=kbit
                )
                for n, (name, (w, h, fps, kbit)) in enumerate(zip(self.streams, sizes, strict=False), 1)
            )
            return f"<trt:GetProfilesResponse>{rows}</trt:GetProfilesResponse>"
        if action == "GetStreamUri":
            number = int((re.search(rb"Profile_(\d)", sent) or [b"", b"1"])[1])
            address = html.escape(list(self.streams.values())[number - 1])
            return (
                f"<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>{address}</tt:Uri>"
                "<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false"
                "</tt:InvalidAfterReboot><tt:Timeout>PT60S</tt:Timeout></trt:MediaUri></trt:GetStreamUriResponse>"
            )
        return _FAULT


class _group_socket:  # noqa: N801  used like a function
    """A socket in the discovery group on loopback; several devices may share the port."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((GROUP, PORT))
        member = struct.pack("4s4s", socket.inet_aton(GROUP), socket.inet_aton(LOOPBACK))
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        self._socket.settimeout(0.2)
        self._ended = False

    def receive(self) -> tuple[bytes, Any] | None:
        """Return the next datagram and its sender; None when it has ended."""
        while not self._ended:
            try:
                return self._socket.recvfrom(65_535)
            except TimeoutError:
                continue
            except OSError:
                return None
        return None

    def send(self, data: bytes, to: Any) -> None:
        """Answer from loopback."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.bind((LOOPBACK, 0))
            out.sendto(data, to)

    def shutdown_and_close(self) -> None:
        """End."""
        self._ended = True
        self._socket.close()
