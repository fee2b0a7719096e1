"""Calls outward: where the box calls, and what comes back."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.clock import SystemClock
from appliance.outbox.call_addresses import check_url, may_call
from appliance.outbox.calling import READ_BYTES, Call, Caller, CallRules, retry_after_s
from tests.support.lms_receiver import LmsReceiver, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW_US = 1_800_000_000_000_000


@pytest.fixture
def caller() -> Iterator[Caller]:
    """Calls this machine too, with two seconds for each."""
    made = Caller(CallRules(timeout_s=2.0, loopback=True), SystemClock())
    yield made
    made.close()


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://lms.example/x", True),
        ("http://10.0.0.7:8080/x", True),
        ("http://192.168.1.4", True),
        ("ftp://lms.example/", False),
        ("file:///etc/passwd", False),
        ("https://user:word@lms.example/", False),
        ("http://127.0.0.1/", False),
        ("http://[::1]/", False),
        ("http://[::ffff:127.0.0.1]/", False),
        ("http://169.254.169.254/latest", False),
        ("http://[fe80::1%25eth0]/", False),
        ("http://0.0.0.0/", False),
        ("http://224.0.0.1/", False),
        ("http://255.255.255.255/", False),
        ("http://", False),
        ("http://[::1", False),
        ("http://host:99999/", False),
    ],
)
def test_which_addresses_are_called(url: str, fine: bool) -> None:
    """Any LMS on the internet or in the house; never this machine, link-local ones or another scheme."""
    assert (check_url(url, loopback=False) == "") is fine


def test_loopback_is_for_those_who_allow_it() -> None:
    """A trial box may call an LMS on the same machine."""
    assert check_url("http://127.0.0.1:8000/", loopback=True) == ""
    assert may_call("::1", loopback=True)
    assert not may_call("169.254.169.254", loopback=True)


def test_a_name_that_leads_to_this_machine_is_refused_when_it_is_called() -> None:
    """What counts is where a name leads at the moment of the call."""
    with LmsReceiver() as lms:
        caller = Caller(CallRules(timeout_s=5.0), SystemClock())
        answer = caller.call(Call(f"http://localhost:{lms.port}/", b"{}")).result(10)
        caller.close()
    assert answer.status is None
    assert answer.reason.startswith("address: the box does not call")
    assert lms.arrived == []


def test_an_answer_comes_back_whole(caller: Caller) -> None:
    """Status, text, how long it took; headers went as given."""
    with LmsReceiver(lambda _: Reply(201, b'{"ok": 1}')) as lms:
        answer = caller.call(Call(f"{lms.url}/a?b=c", b"{}", {"X-A": "1"})).result(10)
    assert (answer.status, answer.text, answer.reason) == (201, '{"ok": 1}', "")
    assert lms.arrived[0].path == "/a?b=c"
    assert lms.arrived[0].headers["x-a"] == "1"
    assert lms.arrived[0].headers["user-agent"].startswith("exambox/")
    assert "cookie" not in lms.arrived[0].headers


def test_a_redirect_is_told_and_not_followed(caller: Caller) -> None:
    """The address it names is never called."""
    with LmsReceiver() as other, LmsReceiver() as lms:
        lms.answer = lambda _: Reply(307, headers={"Location": f"{other.url}/x"})
        answer = caller.call(Call(lms.url, b"{}")).result(10)
        assert (answer.status, answer.reason) == (307, f"redirect: {other.url}/x")
        assert other.arrived == []


def test_of_a_long_answer_only_the_beginning_is_read(caller: Caller) -> None:
    """64 KiB; the rest is neither waited for nor kept."""
    with LmsReceiver(lambda _: Reply(200, b"x" * (READ_BYTES * 40))) as lms:
        answer = caller.call(Call(lms.url, b"{}")).result(10)
    assert answer.status == 200
    assert len(answer.text) == READ_BYTES


def test_a_call_is_bounded_as_a_whole(caller: Caller) -> None:
    """A receiver that sends a byte now and then is given up like one that says nothing."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                while not stop.wait(0.05):
                    try:
                        connection.sendall(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        answer = caller.call(Call(f"http://127.0.0.1:{server.getsockname()[1]}/", b"{}")).result(10)
        stop.set()
        thread.join(5)
    assert (answer.status, answer.reason) == (None, "timeout")


@pytest.mark.parametrize(
    ("said", "reason"),
    [(b"", "cut"), (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "cut"), (b"nonsense\r\n\r\n", "not_http")],
)
def test_an_answer_that_is_none_says_why(caller: Caller, said: bytes, reason: str) -> None:
    """Closed without a word, cut in the middle, or not HTTP at all."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer_once() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(said)

        thread = threading.Thread(target=answer_once, daemon=True)
        thread.start()
        answer = caller.call(Call(f"http://127.0.0.1:{server.getsockname()[1]}/", b"{}")).result(10)
        thread.join(5)
    assert answer.status is None
    assert answer.reason.split(":")[0] == reason


def test_nobody_there_is_told_from_no_such_name(caller: Caller) -> None:
    """A closed port is refused; a name that cannot be is not found."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert caller.call(Call(f"http://127.0.0.1:{port}/", b"{}")).result(10).reason == "refused"
    assert caller.call(Call("http://nowhere.invalid/", b"{}")).result(10).reason == "dns"


def test_a_certificate_that_nobody_vouches_for_is_refused(
    caller: Caller, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """TLS is verified: nothing is sent to who cannot prove to be the LMS."""
    from tests.outbox.tls_receiver import tls_server

    with tls_server(tmp_path_factory.mktemp("tls")) as (port, ca, received):
        answer = caller.call(Call(f"https://127.0.0.1:{port}/", b"{}")).result(10)
        assert answer.status is None
        assert answer.reason.startswith("certificate")
        assert received == []
        trusting = Caller(CallRules(timeout_s=5.0, loopback=True, ca_file=str(ca)), SystemClock())
        assert trusting.call(Call(f"https://127.0.0.1:{port}/", b"{}")).result(10).status == 200
        trusting.close()


def test_ending_cuts_what_is_on_its_way() -> None:
    """The process does not wait for a slow receiver."""
    never = threading.Event()
    with LmsReceiver(lambda _: Reply(wait=never)) as lms:
        caller = Caller(CallRules(timeout_s=60.0, loopback=True), SystemClock())
        future = caller.call(Call(lms.url, b"{}"))
        caller.close()
        assert future.cancelled() or future.exception(1) is not None or future.result(1).status is None
        never.set()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        ("", 0.0),
        ("soon", 0.0),
        ("-5", 0.0),
        ("99999999", 86400.0),
        ("Fri, 15 Jan 2027 08:01:00 GMT", 60.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float) -> None:
    """RFC 9110, 10.2.3; anything else asks for nothing."""
    assert retry_after_s(header, now_us=NOW_US) == seconds


@given(st.text(max_size=100))
def test_no_retry_after_breaks_anything(header: str) -> None:
    """Whatever a receiver sends, it is a bounded number of seconds."""
    assert 0.0 <= retry_after_s(header, now_us=NOW_US) <= 86400.0
