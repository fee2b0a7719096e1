"""Small pictures of a recording, decoded in a child process and kept in memory while the review key is unlocked."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from appliance.errors import BadInputError, NotFoundError
from appliance.pictures.child_protocol import MAX_FRAGMENT
from appliance.pictures.decoder import Decoder
from appliance.vault.format import Kind
from appliance.vault.reader import PartReader
from appliance.web.review.opening import PURPOSE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from appliance.vault.keysource import KeyringKeys

WIDTHS: Final = (160, 320, 640)
MAX_KEPT_BYTES: Final = 24 << 20
Key = tuple[str, int, int]
_BOX_HEADER = 8


class Thumbnails:
    """Pictures by part, record and width; the oldest go when they take too much memory. For several threads.

    Recorded pictures in the clear are kept in memory only, and forgotten when the review key is locked.
    """

    def __init__(self, decoder: Decoder | None = None, *, most_bytes: int = MAX_KEPT_BYTES) -> None:
        self._decoder = decoder or Decoder()
        self._most = most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, bytes] = OrderedDict()
        self._bytes = 0

    def find(self, key: Key, make: Callable[[], tuple[bytes, bytes]]) -> bytes:
        """Return a picture; ``make`` gives initialisation segment and keyframe fragment where it is not kept.

        Raises:
            CameraError: the keyframe cannot be decoded.
            UnavailableError: too many are being made.
        """
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        picture = self._decoder.jpeg(*make(), widest=key[2])
        with self._lock:
            if key not in self._kept:
                self._kept[key] = picture
                self._bytes += len(picture)
            while self._bytes > self._most:
                self._bytes -= len(self._kept.popitem(last=False)[1])
        return picture

    def forget(self) -> None:
        """Forget every picture."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0

    def close(self) -> None:
        """Forget every picture and end the child."""
        self.forget()
        self._decoder.close()


def check_width(width: int) -> int:
    """Return the width.

    Raises:
        BadInputError: it is none of `WIDTHS`.
    """
    if width not in WIDTHS:
        raise BadInputError(f"width: {width} is not one of {', '.join(map(str, WIDTHS))}.")
    return width


def keyframe(path: Path, seq: int, keys: KeyringKeys) -> tuple[bytes, bytes]:
    """Return a part's initialisation segment and the fragment of a record's first keyframe.

    Raises:
        NotFoundError: the record holds no keyframe.
        LockedError, MissingKeyError, UnavailableError: the key cannot be used.
        IntegrityError, VaultError: the part cannot be read, or is not what was sealed.
    """
    with PartReader(path) as reader:
        cipher = reader.cipher(keys.part_key(reader, PURPOSE))
        header, plaintext = reader.open_record(seq, cipher)
        offset = header.key_offset
        if header.kind is not Kind.SEGMENT or not 0 <= offset < len(plaintext):
            raise NotFoundError(f"Record {seq} of this part holds no keyframe.")
        return reader.init(cipher), first_fragment(plaintext[offset:])


def first_fragment(data: bytes) -> bytes:
    """Return the first fragment (``moof mdat``) of some, so that no more is decoded than is shown (pure)."""
    end = 0
    for _ in range(2):
        size = int.from_bytes(data[end : end + 4], "big")
        if size < _BOX_HEADER or end + size > len(data):
            return data[:MAX_FRAGMENT]
        end += size
    return data[:end]
