"""The kinds of devices, as people speak of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind: TypeAlias = Literal[
    "root-hub", "hub", "dock", "usb-c-information",
    "usb-stick", "disk", "card-reader", "keyboard-with-storage", "headset-with-storage", "storage-and-more",
    "keyboard", "mouse", "keyboard-and-mouse", "wireless-receiver", "game-controller", "drawing-tablet", "input-device",
    "phone", "photo-camera", "charging-only",
    "headset", "microphone", "camera", "capture-card",
    "network-adapter", "wifi-adapter", "bluetooth-adapter", "modem", "serial-adapter",
    "printer", "scanner", "smart-card-reader", "security-key", "fingerprint-reader", "ups",
    "board", "own-class", "unknown",
]  # fmt: skip

KINDS: Final[Mapping[Kind, str]] = {
    "root-hub": "USB controller",
    "hub": "USB hub",
    "dock": "Docking station",
    "usb-c-information": "USB-C adapter's information",
    "usb-stick": "USB stick",
    "disk": "External disk",
    "card-reader": "Card reader",
    "keyboard-with-storage": "Keyboard with storage",
    "headset-with-storage": "Headset with storage",
    "storage-and-more": "Storage with other functions",
    "keyboard": "Keyboard",
    "mouse": "Mouse",
    "keyboard-and-mouse": "Keyboard and mouse",
    "wireless-receiver": "Wireless receiver for keyboard or mouse",
    "game-controller": "Game controller",
    "drawing-tablet": "Drawing tablet",
    "input-device": "Input device",
    "phone": "Phone",
    "photo-camera": "Photo camera or media player",
    "charging-only": "Device that only charges",
    "headset": "Headset or loudspeaker",
    "microphone": "Microphone",
    "camera": "Camera",
    "capture-card": "Video capture card",
    "network-adapter": "Network adapter",
    "wifi-adapter": "Wi-Fi adapter",
    "bluetooth-adapter": "Bluetooth adapter",
    "modem": "Mobile network modem",
    "serial-adapter": "Serial adapter",
    "printer": "Printer",
    "scanner": "Scanner",
    "smart-card-reader": "Smart card reader",
    "security-key": "Security key",
    "fingerprint-reader": "Fingerprint reader",
    "ups": "Uninterruptible power supply",
    "board": "Microcontroller board",
    "own-class": "Device of its maker's own class",
    "unknown": "USB device",
}
"""The plain English of each kind; the web translates by the id."""
