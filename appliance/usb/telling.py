"""Tells what kind of device it is: from its interfaces first, from its own words only to tell siblings apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from appliance.usb.names import APPLE, LOGITECH, WACOM, YUBICO, vendor_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from appliance.usb.kinds import Kind
    from appliance.usb.model import Device

AUDIO, COMMUNICATION, HID, IMAGE, PRINTER, STORAGE, HUB, DATA, SMART_CARD, VIDEO, BILLBOARD, WIRELESS, MISC, OWN = (
    0x01, 0x02, 0x03, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x0E, 0x11, 0xE0, 0xEF, 0xFF,
)  # fmt: skip
KEYBOARD, MOUSE, UAS = 1, 2, 0x62
AUDIO_STREAM: Final = 2
MTP: Final = (OWN, OWN, 0)
XBOX: Final = {(OWN, 0x5D, 1), (OWN, 0x47, 0xD0)}
ADB: Final = {(OWN, 0x42, 1), (OWN, 0x42, 3)}
RNDIS: Final = {(WIRELESS, 1, 3), (MISC, 4, 1)}
ETHERNET: Final = {6, 0x0C, 0x0D, 0x0E}
SERIAL_LINES: Final = 2

PHONE_VENDORS: Final = frozenset(
    {0x04E8, 0x18D1, 0x2717, 0x12D1, 0x2A70, 0x1004, 0x22B8, 0x0FCE, 0x0BB4, 0x2E04, 0x22D9, 0x2D95, 0x19D2, 0x2AE5,
     0x0E8D, 0x1BBB, 0x05C6, 0x1949, 0x0421, 0x2B4C, 0x29A9, 0x0502, 0x339B}
)  # fmt: skip
APPLE_PHONES: Final = range(0x1290, 0x12B0)
SERIAL_VENDORS: Final = frozenset({0x0403, 0x067B, 0x10C4})
QINHENG, QINHENG_SERIAL = 0x1A86, frozenset({0x7523, 0x5523, 0x7522, 0x55D3, 0x55D4})
BOARD_VENDORS: Final = frozenset({0x2341, 0x2A03, 0x2E8A, 0x239A, 0x16C0, 0x303A, 0x2B04, 0x1B4F})
RECEIVERS: Final = frozenset({0xC517, 0xC51A, 0xC526, 0xC52B, 0xC52F, 0xC531, 0xC532, 0xC534, 0xC539, 0xC53F, 0xC542,
                              0xC547, 0xC548})  # fmt: skip
UPS_VENDORS: Final = frozenset({0x051D, 0x0764, 0x0463, 0x0665, 0x09AE})
FINGER_VENDORS: Final = frozenset({0x138A, 0x27C6, 0x1C7A, 0x06CB, 0x08FF, 0x147E})
TABLET_VENDORS: Final = frozenset({WACOM, 0x256C, 0x28BD, 0x5543})
SECURITY_VENDORS: Final = frozenset({YUBICO, 0x096E, 0x20A0, 0x349E, 0x1EA8})

_PATTERNS: Final[Mapping[Kind, str]] = {
    "card-reader": r"card ?reader|flash ?reader|multi-?(card|reader)|\b(sd|mmc|cf|micro ?sd)\b|\bcrw\b",
    "disk": r"\b(ssd|hdd|disk|portable|expansion|elements|passport|external|backup|sata|nvme|enclosure)",
    "wireless-receiver": r"receiver|transceiver|2\.4 ?g|wireless|dongle|unifying|bolt",
    "game-controller": r"game ?pad|joystick|(pro|wireless|game) controller|dual(shock|sense)|x-?box|racing|rumblepad",
    "drawing-tablet": r"tablet|intuos|bamboo|cintiq|\bpen\b",
    "fingerprint-reader": r"finger|biometric",
    "security-key": r"yubikey|fido|u2f|security key|nitrokey|solo",
    "phone": r"android|phone|galaxy|pixel|xperia",
    "microphone": r"\bmic(rophone)?\b",
    "ups": r"\bups\b|\bmec000",
    "scanner": r"scan",
    "capture-card": r"capture|hdmi|cam ?link|video grabber",
    "wifi-adapter": r"802\.11|wi-?fi|wlan|wireless",
    "bluetooth-adapter": r"bluetooth",
    "network-adapter": r"ethernet|10/100|giga|\blan\b|network|ax88|rtl81",
    "serial-adapter": r"serial|uart|rs-?232",
    "dock": r"dock",
    "board": r"arduino|boot$|rp2|\bpico\b|teensy|bootloader",
    "modem": r"modem|\blte\b|\b[345]g\b|mobile",
}
WORDS: Final = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in _PATTERNS.items()}


def kind_of(device: Device) -> Kind:
    """Return what the device is, over all its configurations; what has storage beside something else says so."""
    facts = _Facts(device)
    return next((kind for test in _TESTS if (kind := test(facts)) is not None), "unknown")


class _Facts:
    """What the tests below ask, worked out once."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.vendor = device.vendor
        self.triples = {(one.cls, one.subclass, one.protocol) for one in device.interfaces}
        self.classes = {one.cls for one in device.interfaces}
        self.hid = {one.protocol for one in device.interfaces if one.cls == HID and one.subclass == 1}
        self.words = f"{device.manufacturer} {device.name} {vendor_name(device.vendor)}"

    def say(self, kind: Kind) -> bool:
        """Whether its own words sound like that kind."""
        return bool(WORDS[kind].search(self.words))

    def only(self, *classes: int) -> bool:
        """Whether it has these classes and no other."""
        return bool(self.classes) and self.classes <= set(classes)

    @property
    def is_phone_maker(self) -> bool:
        return self.vendor in PHONE_VENDORS or (self.vendor == APPLE and self.device.product in APPLE_PHONES)


def _hub(facts: _Facts) -> Kind | None:
    if facts.device.is_root_hub:
        return "root-hub"
    if not facts.classes - {HUB} and (facts.classes or facts.device.cls == HUB):
        return "hub"
    if not facts.classes - {BILLBOARD} and (facts.classes or facts.device.cls == BILLBOARD):
        return "usb-c-information"
    return None


def _phone(facts: _Facts) -> Kind | None:
    """Tell a phone: Apple's numbers, Android's debugging, or a phone maker's file transfer or tethering."""
    if facts.vendor == APPLE and facts.device.product in APPLE_PHONES:
        return "phone"
    if facts.triples & ADB or (facts.say("phone") and MTP in facts.triples):
        return "phone"
    shares = IMAGE in facts.classes or MTP in facts.triples or bool(facts.triples & RNDIS)
    calls = COMMUNICATION in facts.classes and facts.say("phone")
    if facts.is_phone_maker and (shares or calls) and not facts.say("modem"):
        return "phone"
    return None


def _storage(facts: _Facts) -> Kind | None:
    if STORAGE not in facts.classes:
        return None
    plays = (AUDIO, AUDIO_STREAM) in {triple[:2] for triple in facts.triples}
    keys = KEYBOARD in facts.hid or (HID in facts.classes and not plays)
    uas = any(one.cls == STORAGE and one.protocol == UAS for one in facts.device.interfaces)
    own: tuple[tuple[bool, Kind], ...] = (
        (keys, "keyboard-with-storage"),
        (plays, "headset-with-storage"),
        (facts.vendor in BOARD_VENDORS or facts.say("board"), "board"),
        (PRINTER in facts.classes, "printer"),
        (facts.only(STORAGE, SMART_CARD) and facts.say("card-reader"), "card-reader"),
        (bool(facts.classes - {STORAGE}), "storage-and-more"),
        (uas or facts.say("disk"), "disk"),
    )
    return next((kind for holds, kind in own if holds), "usb-stick")


def _picture(facts: _Facts) -> Kind | None:
    if VIDEO in facts.classes:
        return "capture-card" if facts.say("capture-card") else "camera"
    if PRINTER in facts.classes:
        return "printer"
    if IMAGE in facts.classes:
        return "scanner" if facts.say("scanner") else "photo-camera"
    return None


def _key(facts: _Facts) -> Kind | None:
    if SMART_CARD in facts.classes:
        return "security-key" if HID in facts.classes or facts.vendor in SECURITY_VENDORS else "smart-card-reader"
    if HID in facts.classes and (facts.vendor in SECURITY_VENDORS or facts.say("security-key")):
        return "security-key"
    return None


def _finger(facts: _Facts) -> Kind | None:
    """Tell a fingerprint reader, some of which look like a serial line; the same makers make touchpads."""
    if HID in facts.classes:
        return None
    return "fingerprint-reader" if facts.vendor in FINGER_VENDORS or facts.say("fingerprint-reader") else None


def _network(facts: _Facts) -> Kind | None:
    if (WIRELESS, 1, 1) in facts.triples:
        return "bluetooth-adapter"
    ethernet = any(cls == COMMUNICATION and subclass in ETHERNET for cls, subclass, _ in facts.triples)
    if ethernet or facts.triples & RNDIS:
        return "modem" if facts.say("modem") else "network-adapter"
    if (COMMUNICATION, SERIAL_LINES) in {triple[:2] for triple in facts.triples}:
        if facts.vendor in BOARD_VENDORS or facts.say("board"):
            return "board"
        return "modem" if facts.say("modem") else "serial-adapter"
    return None


def _sound(facts: _Facts) -> Kind | None:
    if AUDIO not in facts.classes:
        return None
    if facts.say("dock"):
        return "dock"
    if (AUDIO, AUDIO_STREAM) not in {triple[:2] for triple in facts.triples}:
        return "input-device"  # an instrument: notes, no sound
    return "microphone" if facts.say("microphone") else "headset"


def _input(facts: _Facts) -> Kind | None:
    if HID not in facts.classes:
        return None
    own: tuple[tuple[bool, Kind], ...] = (
        (facts.vendor in TABLET_VENDORS, "drawing-tablet"),
        (facts.vendor in UPS_VENDORS or facts.say("ups"), "ups"),
        (facts.vendor in BOARD_VENDORS, "board"),
        (facts.vendor == LOGITECH and facts.device.product in RECEIVERS, "wireless-receiver"),
        (bool(facts.hid) and facts.say("wireless-receiver"), "wireless-receiver"),
        ({KEYBOARD, MOUSE} <= facts.hid, "keyboard-and-mouse"),
        (KEYBOARD in facts.hid, "keyboard"),
        (MOUSE in facts.hid, "mouse"),
        (facts.say("game-controller"), "game-controller"),
        (facts.say("drawing-tablet"), "drawing-tablet"),
        (facts.say("dock"), "dock"),
    )
    return next((kind for holds, kind in own if holds), "input-device")


def _own(facts: _Facts) -> Kind | None:
    """Tell a device of its maker's own class by number and words; there is nothing else to go by."""
    if not facts.classes:
        return "charging-only" if facts.device.whole else None
    if HUB in facts.classes:
        return "dock"
    if OWN not in facts.classes and not facts.only(COMMUNICATION, DATA):
        return None
    qinheng = facts.vendor == QINHENG and facts.device.product in QINHENG_SERIAL
    own: tuple[tuple[bool, Kind], ...] = (
        (facts.vendor in SERIAL_VENDORS or qinheng, "serial-adapter"),
        (bool(facts.triples & XBOX), "game-controller"),
        *((facts.say(kind), kind) for kind in _OWN_WORDS),
        (facts.vendor in TABLET_VENDORS, "drawing-tablet"),
        (facts.vendor in UPS_VENDORS, "ups"),
    )
    return next((kind for holds, kind in own if holds), "own-class")


_OWN_WORDS: Final[tuple[Kind, ...]] = (
    "bluetooth-adapter", "wifi-adapter", "network-adapter", "serial-adapter", "game-controller",
    "scanner", "capture-card", "card-reader", "dock",
)  # fmt: skip

_TESTS: Final[tuple[Callable[[_Facts], Kind | None], ...]] = (
    _hub, _phone, _storage, _key, _picture, _finger, _network, _sound, _input, _own,
)  # fmt: skip
