from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.cameras.credentials import (
    Credential,
    credential,
    credential_context,
    pack_credential,
    split_address,
    unpack_credential,
)
from appliance.errors import ApplianceError, BadInputError, MissingKeyError

PLAIN = st.text(st.characters(min_codepoint=33, exclude_categories=("Cc", "Cs")), min_size=1, max_size=40)


def test_user_and_password_are_taken_out_of_the_address() -> None:
    """What is stored of an address with a password is the address without it."""
    clean, found = split_address("rtsp://admin:s3cret@cam.local:8554/live?ch=1")
    assert clean == "rtsp://cam.local:8554/live?ch=1"
    assert found == Credential("admin", "s3cret")


@pytest.mark.parametrize("address", ["rtsp://10.0.0.2/main", "rtsps://[fe80::1]:322/a/b?x=1", "rtsp://@host/x"])
def test_an_address_without_a_password_has_no_credential(address: str) -> None:
    """Nothing is invented where nothing was given."""
    clean, found = split_address(address)
    assert clean == address.replace("@", "")
    assert found is None


@given(user=PLAIN, password=PLAIN)
def test_encoded_credentials_come_back_as_typed(user: str, password: str) -> None:
    """Any user name and password that is percent-encoded in the address is understood, and leaves it."""
    clean, found = split_address(f"rtsp://{quote(user, safe='')}:{quote(password, safe='')}@10.0.0.2/main")
    assert clean == "rtsp://10.0.0.2/main"
    assert found == Credential(user, password)


@pytest.mark.parametrize(
    "address",
    [
        "rtsp://admin:hunter@2/x@10.0.0.2/main",
        "rtsp://admin:hunter2#x@10.0.0.2/main",
        "rtsp://admin:hunter2?x@10.0.0.2/main",
        "rtsp://admin:hunter2/x@10.0.0.2/main",
        "rtsp://10.0.0.2/main?user=admin&password=hunter2",
        "rtsp://10.0.0.2/main?PWD=hunter2",
        "http://admin:hunter2@10.0.0.2/",
        "rtsp://admin:hunter2@",
        "rtsp://admin:hunter2@host:99999/",
        "rtsp://admin:hunter2@host/a b",
        "rtsp://admin:hunter2@host/\n",
        "rtsp://admin:hunter%0A2@host/x",
        "rtsp://admin:hunter2@[::1/x",
        "rtsp://h/" + "hunter2" * 200,
        "hunter2",
        "",
    ],
)
def test_a_password_that_could_stay_behind_is_refused_unrepeated(address: str) -> None:
    """An address that may hide a password in clear is refused, and no message repeats it."""
    if address.endswith("\n"):
        address = address[:-1] + "\n/x"
    with pytest.raises(BadInputError) as caught:
        split_address(address)
    assert "hunter" not in caught.value.message + caught.value.hint


@given(st.text(max_size=200) | st.text("rtsp:/@#?[]%=&.ab10", max_size=60).map(lambda rest: "rtsp://" + rest))
def test_no_text_makes_it_fail_otherwise(address: str) -> None:
    """Whatever is typed gives an address without credentials, or a plain error."""
    try:
        clean, _ = split_address(address)
    except ApplianceError:
        return
    assert "@" not in clean
    assert split_address(clean) == (clean, None)


def test_packing_keeps_a_credential() -> None:
    """What is sealed comes back as it was."""
    value = credential("admin", 'pä"ss')
    assert unpack_credential(pack_credential(value)) == value


@pytest.mark.parametrize("raw", [b"", b"{}", b"\xff\xfe", b'{"user":"a","password":1}', b'["a","b"]'])
def test_unpacking_something_else_says_what_to_do(raw: bytes) -> None:
    """A stored password that is not readable is asked for again."""
    with pytest.raises(MissingKeyError) as caught:
        unpack_credential(raw)
    assert "cameras edit" in caught.value.hint


@pytest.mark.parametrize(
    ("user", "password"), [("", "x"), ("a\r\nb", "x"), ("a", "x\x00"), ("a" * 201, "x"), ("a", "x" * 501)]
)
def test_impossible_credentials_are_refused(user: str, password: str) -> None:
    """Control characters, an empty user and too much text are refused."""
    with pytest.raises(BadInputError):
        credential(user, password)


def test_a_credential_never_prints_itself() -> None:
    """Neither user nor password can slip into a log or traceback."""
    assert "s3cret" not in f"{Credential('admin', 's3cret')!r} {Credential('admin', 's3cret')}"


def test_a_sealed_password_is_bound_to_its_camera_and_its_host() -> None:
    """Another camera or another host is another context; port, path and case are the same device."""
    here = credential_context("a", "rtsp://Cam.example:554/one")
    assert here == credential_context("a", "rtsp://cam.example/two?x=1")
    others = [("b", "rtsp://cam.example/"), ("a", "rtsp://cam2.example/"), ("a", "rtsp://x/cam.example"), ("a", "0")]
    assert here not in {credential_context(camera, address) for camera, address in others}
