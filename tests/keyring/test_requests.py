from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import BadInputError
from appliance.keyring import requests

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
PART_KEY = {
    "want": "part_key",
    "suite": "X25519",
    "key_id": "0" * 16,
    "wrapped": "00",
    "info": {"box": "b", "sitting": "s", "camera": "c", "part": 1, "part_id": "0" * 32},
}
MANIFEST = {
    "format": "exambox-export-1",
    "file": {"name": "a.mp4", "bytes": 1, "sha256": "0" * 64},
    "box": "b",
    "sitting": "s",
    "camera": "c",
    "device_key": "0" * 64,
}


@pytest.mark.parametrize("want", ["status", "lock", "unlock"])
def test_small_requests_are_understood(want: str) -> None:
    """The person may be left out: then the account at the other end counts."""
    assert requests.parse_request({"want": want}).person == ""
    assert requests.parse_request({"want": want, "person": "anna"}).person == "anna"


@given(
    st.dictionaries(st.text(max_size=8), JSON, max_size=4)
    | st.builds(lambda field, value: {**PART_KEY, field: value}, st.sampled_from([*PART_KEY, "person", "more"]), JSON)
)
def test_nothing_makes_parsing_fail_otherwise(value: dict[str, Any]) -> None:
    """Any object is a request of the right form or bad input."""
    try:
        request = requests.parse_request(value)
    except BadInputError:
        return
    assert type(request).__name__ in {"Status", "Unlock", "Lock", "PartKey", "SignExport"}


@pytest.mark.parametrize(
    "change",
    [
        {"info": {**PART_KEY["info"], "sitting": "../x"}},  # type: ignore[dict-item]
        {"info": {**PART_KEY["info"], "camera": "a\nb"}},  # type: ignore[dict-item]
        {"info": {**PART_KEY["info"], "part": 0}},  # type: ignore[dict-item]
        {"info": {**PART_KEY["info"], "part_id": "0" * 31}},  # type: ignore[dict-item]
        {"wrapped": "00" * 5000},
        {"wrapped": "0"},
        {"purpose": "x" * 41},
        {"person": "x" * 201},
        {"suite": "RSA"},
    ],
)
def test_fields_outside_their_bounds_are_refused(change: dict[str, Any]) -> None:
    """Names that are no names, too long texts and odd hex do not get past the edge."""
    requests.parse_request(PART_KEY)
    with pytest.raises(BadInputError):
        requests.parse_request({**PART_KEY, **change})


def test_a_passphrase_is_in_no_message_and_no_text_form() -> None:
    """Neither an error nor a log line can carry it."""
    assert "hunter2" not in repr(requests.Unlock(passphrase="hunter2"))
    for value in ({"want": "unlock", "passphrase": ["hunter2"]}, {"want": "unlock", "passphrase": "hunter2" * 300}):
        with pytest.raises(BadInputError) as caught:
            requests.parse_request(value)
        assert "hunter2" not in caught.value.message
    with pytest.raises(BadInputError) as caught:
        requests.parse_request({"want": "hunter2"})
    assert "hunter2" not in caught.value.message


def test_an_export_manifest_is_recognised_by_form() -> None:
    """Further keys are allowed; missing, foreign, doubled or endless ones are not."""
    assert requests.parse_manifest(json.dumps({**MANIFEST, "gaps": []})).sitting == "s"
    bad = [
        json.dumps({**MANIFEST, "format": "exambox-checkpoint-1"}),
        json.dumps({name: value for name, value in MANIFEST.items() if name != "device_key"}),
        json.dumps(MANIFEST)[:-1] + ', "box": "other"}',
        "[" * 100_000,
        "",
        "null",
    ]
    for text in bad:
        with pytest.raises(BadInputError):
            requests.parse_manifest(text)
