"""What a call brings: the body in bytes, read with a cap, and the JSON in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from appliance.exchange.json_edge import BODY, Json, JsonError, JsonTooLargeError, parse_json
from appliance.web.api.errors import BodyKindError

if TYPE_CHECKING:
    from flask import Request

# What libraries state where nobody chose a kind: shipped clients send their JSON like that.
_UNCHOSEN: Final = frozenset({"", "application/x-www-form-urlencoded", "application/octet-stream", "text/plain"})


def body_bytes() -> bytes:
    """Return the request's body, its length stated or in chunks.

    Raises:
        JsonTooLargeError: it is longer than `json_edge.BODY` allows.
        JsonError: it ended before its stated length.
    """
    return _bytes(request)


def json_of(data: bytes, kind: str, *, may_be_empty: bool = False) -> Json:
    """Return the JSON of a body (pure).

    A missing Content-Type is taken for JSON, as is what libraries put where nobody chose one.

    Args:
        data: the body.
        kind: its media type.
        may_be_empty: whether an empty body is as null.

    Raises:
        BodyKindError: the body is stated to be of another kind.
        JsonError: it is no JSON, or empty where it may not be.
    """
    if not data.strip():
        if may_be_empty:
            return None
        raise JsonError("", "is empty.", hint="Send the parameters as a JSON object.")
    if not _is_json(kind):
        raise BodyKindError
    return parse_json(data)


def _bytes(asked: Request) -> bytes:
    # One more than is taken: a body in chunks is cut at the limit without a word, and a cut one must be seen.
    asked.max_content_length = BODY.size + 1
    # Not get_data(): it would read a form's fields first where the kind says so.
    try:
        data: bytes = asked.stream.read()
    except RequestEntityTooLarge as problem:
        raise _too_large() from problem
    except (ClientDisconnected, OSError) as problem:
        raise JsonError("", "ended before its stated length.") from problem
    if len(data) > BODY.size:
        raise _too_large()
    return data


def _too_large() -> JsonTooLargeError:
    return JsonTooLargeError("", f"is longer than {BODY.size} bytes.")


def _is_json(kind: str) -> bool:
    return kind in _UNCHOSEN or kind in {"application/json", "text/json"} or kind.endswith("+json")
