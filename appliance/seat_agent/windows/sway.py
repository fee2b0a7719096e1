"""The active window of a sway desktop (i3's IPC, sway-ipc(7)), by its application's id; never its title."""

from __future__ import annotations

import os
import select
import socket
import struct
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from appliance.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAGIC: Final = b"i3-ipc"
_HEADER: Final = struct.Struct("=6sII")
_SUBSCRIBE, _GET_TREE, _WINDOW_EVENT = 2, 4, 0x8000_0003
_MOST: Final = 4 * 1024 * 1024
_LOOK_S: Final = 1.0
_TIMEOUT_S: Final = 5.0
_MOST_DEEP: Final = 100


class _Properties(msgspec.Struct, frozen=True):
    cls: str | None = msgspec.field(name="class", default=None)


class _Node(msgspec.Struct, frozen=True):
    app_id: str | None = None
    focused: bool = False
    window_properties: _Properties | None = None
    nodes: Annotated[tuple[_Node, ...], msgspec.Meta(max_length=1000)] = ()
    floating_nodes: Annotated[tuple[_Node, ...], msgspec.Meta(max_length=1000)] = ()


class _Event(msgspec.Struct, frozen=True):
    change: str = ""
    container: _Node | None = None


def active_applications(path: str | None = None) -> Iterator[str]:
    """Yield the active window's application at once, at each change, and about every second; for ever.

    Args:
        path: of sway's socket; the environment's (``SWAYSOCK``) if None.

    Raises:
        UnavailableError: nothing answers there, or it is gone.
    """
    try:
        with socket.socket(socket.AF_UNIX) as there:
            there.settimeout(_TIMEOUT_S)
            there.connect(path or os.environ.get("SWAYSOCK", ""))
            _say(there, _SUBSCRIBE, b'["window"]')
            _say(there, _GET_TREE)
            active = ""
            while True:
                if select.select([there], [], [], _LOOK_S)[0]:
                    kind, body = _read(there)
                    if kind == _GET_TREE:
                        active = _focused(msgspec.json.decode(body, type=_Node)) or ""
                    elif kind == _WINDOW_EVENT:
                        event = msgspec.json.decode(body, type=_Event)
                        if event.change == "focus" and event.container is not None:
                            active = _name(event.container)
                        elif event.change == "close":
                            _say(there, _GET_TREE)
                            continue
                yield active
    except (OSError, msgspec.DecodeError, RecursionError) as problem:
        raise UnavailableError(
            f"Sway cannot be watched: {problem}", hint="Run it in the candidate's session, where SWAYSOCK is set."
        ) from problem


def _say(there: socket.socket, kind: int, body: bytes = b"") -> None:
    there.sendall(_HEADER.pack(_MAGIC, len(body), kind) + body)


def _read(there: socket.socket) -> tuple[int, bytes]:
    magic, length, kind = _HEADER.unpack(_exactly(there, _HEADER.size))
    if magic != _MAGIC or length > _MOST:
        raise OSError("what answers does not speak i3's protocol")
    return kind, _exactly(there, length)


def _exactly(there: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        part = there.recv(min(65_536, count - len(data)))
        if not part:
            raise OSError("it ended")
        data += part
    return bytes(data)


def _focused(node: _Node, depth: int = 0) -> str | None:
    """Return the application that has the keyboard in a tree of windows; None where none has."""
    if node.focused:
        return _name(node)
    if depth > _MOST_DEEP:
        return None
    below = (_focused(one, depth + 1) for one in (*node.nodes, *node.floating_nodes))
    return next((name for name in below if name is not None), None)


def _name(node: _Node) -> str:
    return node.app_id or (node.window_properties.cls if node.window_properties else None) or ""
