"""USB devices in the reader's language: what a device is, what was decided, and both in one line with its place.

Used where a warning tells of a device: the alerts of the room, lists of warnings, the pages of administration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from appliance.usb.sysfs_device import PORT
from appliance.usb.words import kind_of, name_of
from appliance.web.language import lazy_gettext as _
from appliance.web.language.texts import current_language

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appliance.usb.model import Device

KINDS: Final[Mapping[str, Any]] = {
    "root-hub": _("USB controller"),
    "hub": _("USB hub"),
    "dock": _("Docking station"),
    "usb-c-information": _("USB-C adapter's information"),
    "usb-stick": _("USB stick"),
    "disk": _("External disk"),
    "card-reader": _("Card reader"),
    "keyboard-with-storage": _("Keyboard with storage"),
    "headset-with-storage": _("Headset with storage"),
    "storage-and-more": _("Storage with other functions"),
    "keyboard": _("Keyboard"),
    "mouse": _("Mouse"),
    "keyboard-and-mouse": _("Keyboard and mouse"),
    "wireless-receiver": _("Wireless receiver for keyboard or mouse"),
    "game-controller": _("Game controller"),
    "drawing-tablet": _("Drawing tablet"),
    "input-device": _("Input device"),
    "phone": _("Phone"),
    "photo-camera": _("Photo camera or media player"),
    "charging-only": _("Device that only charges"),
    "headset": _("Headset or loudspeaker"),
    "microphone": _("Microphone"),
    "camera": _("Camera"),
    "capture-card": _("Video capture card"),
    "network-adapter": _("Network adapter"),
    "wifi-adapter": _("Wi-Fi adapter"),
    "bluetooth-adapter": _("Bluetooth adapter"),
    "modem": _("Mobile network modem"),
    "serial-adapter": _("Serial adapter"),
    "printer": _("Printer"),
    "scanner": _("Scanner"),
    "smart-card-reader": _("Smart card reader"),
    "security-key": _("Security key"),
    "fingerprint-reader": _("Fingerprint reader"),
    "ups": _("Uninterruptible power supply"),
    "board": _("Microcontroller board"),
    "own-class": _("Device of its maker's own class"),
    "unknown": _("USB device"),
    # what other warnings are about
    "storm": _("Many USB devices in a short time"),
    "silent-agent": _("Seat agent that does not report"),
    "window": _("Active window"),
}
"""By the kinds of `appliance.usb.words`; a test holds that none is missing."""

VERDICTS: Final[Mapping[str, Any]] = {
    "allow": _("allowed"),
    "block": _("blocked"),
    "reject": _("rejected until it is plugged in again"),
}
FAILED: Final = _("could not be kept out")
CHANGED: Final = _("says something else of itself now")
WORKSTATION: Final = _("at the workstation")
NOTED: Final = _("noted, not kept out")
_PORT: Final = _("port %(port)s")
_SEAT: Final = _("Seat %(seat)s")
_NO_SEAT: Final = _("No seat is known for this port.")
_SITTING: Final = _("Sitting %(name)s")


def kind_words(kind: str, language: str = "") -> str:
    """Return what a kind of device is called; a kind of newer software as it is."""
    found = KINDS.get(kind)
    return found.within(language or current_language()) if found is not None else kind


def verdict_words(verdict: str, language: str = "") -> str:
    """Return a verdict, or what became of it, in one or few words."""
    found = VERDICTS.get(verdict)
    return found.within(language or current_language()) if found is not None else verdict


def port_words(port: str, language: str = "") -> str:
    """Return a port that people gave no name, by the kernel's."""
    return str(_PORT.within(language or current_language())) % {"port": port}


def device_words(device: Device, language: str = "") -> str:
    """Return what a device is and what it calls itself: ``USB stick, SanDisk Ultra``."""
    return f"{kind_words(kind_of(device), language)}, {name_of(device)}"


def subject_words(subject: Mapping[str, Any], language: str = "") -> str:
    """Return what a warning is about in one line: ``USB stick, SanDisk Ultra, front left port, blocked``.

    ``subject`` is `StoredWarning.subject`; what it does not say is left out.
    """
    said = language or current_language()
    port = str(subject.get("port") or "")
    parts = [
        kind_words(str(subject.get("what") or "unknown"), said),
        str(subject.get("name") or ""),
        _place(port, said, workstation=bool(subject.get("agent"))),
        *_became(subject, said),
    ]
    return ", ".join(part for part in parts if part)


def _place(port: str, said: str, *, workstation: bool) -> str:
    if not port:
        return ""
    if workstation:  # its ports have no names here
        return str(WORKSTATION.within(said))
    return port_words(port, said) if PORT.fullmatch(port) else port


def _became(subject: Mapping[str, Any], said: str) -> list[str]:
    """Return what became of a device: what was decided, unless the kernel did otherwise."""
    verdict, state = str(subject.get("verdict") or ""), str(subject.get("state") or "")
    changed = [CHANGED.within(said)] if subject.get("event") == "changed" else []
    if state == "failed":
        return [*changed, FAILED.within(said)]
    if state == "noted" and verdict != "allow":
        return [*changed, NOTED.within(said)]
    return [*changed, verdict_words(verdict, said)]


def alert_words(item: Mapping[str, Any], language: str) -> dict[str, str]:
    """Return an alert's words: ``title``, and ``detail`` with the seat and the sitting."""
    seat = str(item.get("seat") or "")
    where = str(_SEAT.within(language)) % {"seat": seat} if seat else str(_NO_SEAT.within(language))
    name = str(item.get("sitting_name") or "")
    parts = [where, str(_SITTING.within(language)) % {"name": name} if name else ""]
    return {
        "title": subject_words(item.get("subject") or {}, language),
        "detail": " · ".join(part for part in parts if part),
    }
