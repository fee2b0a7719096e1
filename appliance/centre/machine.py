"""What tells this computer from another, so that a copied box is noticed; nothing of it is sent but a hash."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.exchange.centre.canonical import sha256_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.config import Settings

_FILES: Final = ("etc/machine-id", "sys/firmware/devicetree/base/serial-number")
_ADDRESSES: Final = "sys/class/net"
_PERMANENT: Final = "0"
_MAX_CHARACTERS: Final = 200


def machine_of(settings: Settings, root: Path = Path("/")) -> str:
    """Return the identity of this computer and this folder of state: SHA-256, base64url.

    Of the machine's own id, the board's serial number where there is one, the addresses burnt into network cards
    (not those on USB, which come and go), and where the box keeps its state. Another of them is another machine: that
    costs a new epoch, nothing else.
    """
    parts = [_text(root / name) for name in _FILES]
    parts += sorted(_cards(root / _ADDRESSES))
    return sha256_text("\n".join(["exambox machine", *parts, str(settings.state_dir.resolve())]).encode())


def _cards(folder: Path) -> Iterator[str]:
    try:
        cards = list(folder.iterdir())
    except OSError:
        return
    for card in cards:
        device = card / "device"
        if device.exists() and "/usb" not in str(device.resolve()) and _text(card / "addr_assign_type") == _PERMANENT:
            yield _text(card / "address")


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_MAX_CHARACTERS).strip("\0\n ")
    except OSError:
        return ""
