"""Style sheets, scripts and pictures of the pages are sent compressed.

Only files that are the same for everybody: a compressed page would tell by its length what it holds besides
what an attacker put there (BREACH, 2013). Compressed bytes are kept by file, so a change of a file needs no
build step and no restart.
"""

from __future__ import annotations

import gzip
from threading import Lock
from typing import TYPE_CHECKING, Final

from flask import request

if TYPE_CHECKING:
    from flask import Flask, Response

_TYPES: Final = frozenset({"text/css", "text/javascript", "application/javascript", "image/svg+xml"})
_SMALLEST = 400
_MAX_KEPT = 500


def install(app: Flask) -> None:
    """Compress the application's own files where the browser takes gzip."""
    kept = Kept()

    def compress(response: Response) -> Response:
        if not _is_own_file() or response.status_code not in {200, 304}:
            return response
        if response.mimetype in _TYPES:
            response.vary.add("Accept-Encoding")
        if response.status_code == 200 and response.mimetype in _TYPES and request.accept_encodings.quality("gzip"):  # noqa: PLR2004
            etag, _ = response.get_etag()
            if etag:
                response.direct_passthrough = False
                packed = kept.packed(request.path, etag, response.get_data())
                if packed is not None:
                    response.set_data(packed)
                    response.headers["Content-Encoding"] = "gzip"
                    response.set_etag(etag, weak=True)  # other bytes, the same file (RFC 9110, 8.8.1)
        return response

    app.after_request(compress)


class Kept:
    """Compressed files by path, each for the version it was made of. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._by_path: dict[str, tuple[str, bytes | None]] = {}

    def packed(self, path: str, version: str, raw: bytes) -> bytes | None:
        """Return a file's compressed bytes, or None where compressing it saves nothing."""
        with self._lock:
            known = self._by_path.get(path)
        if known and known[0] == version:
            return known[1]
        made = gzip.compress(raw, 9, mtime=0) if len(raw) >= _SMALLEST else None
        result = made if made is not None and len(made) < len(raw) else None
        with self._lock:
            if len(self._by_path) >= _MAX_KEPT:
                self._by_path.clear()
            self._by_path[path] = (version, result)
        return result


def _is_own_file() -> bool:
    endpoint = request.endpoint or ""
    return endpoint == "static" or endpoint.endswith((".static", ".script_words"))
