"""What a USB interface's class is, in plain words (USB-IF, "Defined Class Codes")."""

from __future__ import annotations

from typing import Final

_NAMES: Final = {
    0x01: "sound",
    0x02: "communication",
    0x03: "keyboard, mouse or other input",
    0x05: "force feedback",
    0x06: "still pictures",
    0x07: "printer",
    0x08: "storage",
    0x09: "hub",
    0x0A: "communication data",
    0x0B: "smart card",
    0x0D: "content security",
    0x0E: "camera",
    0x0F: "health",
    0x10: "sound and pictures",
    0x11: "USB-C description",
    0x12: "USB-C bridge",
    0x13: "bulk display",
    0x14: "management",
    0x3C: "I3C",
    0xDC: "diagnosis",
    0xE0: "wireless",
    0xEF: "miscellaneous",
    0xFE: "application",
    0xFF: "maker's own",
}


# What a boot device says it is (HID 1.11, 4.3).
_BOOT: Final = {(0x03, 0x01, 0x01): "keyboard", (0x03, 0x01, 0x02): "mouse"}


def class_name(cls: int, subclass: int, protocol: int) -> str:
    """Return the words for what an interface says it is, such as ``storage``."""
    return _BOOT.get((cls, subclass, protocol)) or _NAMES.get(cls, "unknown class")
