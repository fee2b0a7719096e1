"""Devices and policies out of a small world, so that rules often match."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import strategies as st

from appliance.usb.engine import Circumstances
from appliance.usb.model import Device, Interface
from appliance.usb.policy import WEEKDAYS, Interfaces, Match, Otherwise, Policy, Rule, When

TRIPLES = ["08:06:50", "03:01:01", "03:01:02", "03:00:00", "09:00:00", "0e:01:00", "0e:02:00", "01:01:00", "ff:42:01"]
PATTERNS = [*TRIPLES, "08:*:*", "03:*:*", "03:01:*", "0e:*:*", "*:*:*", "*:01:*", "*:*:01"]
DEVICES = ["0781:5581", "0781:0001", "046d:c31c"]
DEVICE_PATTERNS = [*DEVICES, "0781:*", "*:*"]
TEXTS = ["", "Ultra", "Ultra Fit", "a*b", "a[1]", "Schlüssel"]
TEXT_PATTERNS = [*TEXTS, "*", "Ultra*", "?ltra", "a[*]b", "*[[]*", "a*b*", "[abc]"]
PORTS = ["1-1", "1-1.4", "1-1.4.2", "2-1"]
PORT_PATTERNS = [*PORTS, "1-1.*", "1-*", "?-1", "usb1"]
HASHES = ["hashA=", "hashB=", ""]
BEGIN = datetime(2026, 11, 30)  # noqa: DTZ001  local time of a room


def interface(triple: str, number: int, alternate: int = 0, configuration: int = 1) -> Interface:
    """Return an interface of ``class:subclass:protocol``."""
    cls, subclass, protocol = (int(part, 16) for part in triple.split(":"))
    return Interface(cls, subclass, protocol, number, alternate, configuration)


def device(*triples: str, vendor: int = 0x0781, product: int = 0x5581, **facts: object) -> Device:
    """Return a device with these interfaces, numbered from 0."""
    interfaces = tuple(interface(triple, number) for number, triple in enumerate(triples))
    return Device(
        **{"port": "1-1", "vendor": vendor, "product": product, "interfaces": interfaces, "hash": "h=", **facts}
    )  # type: ignore[arg-type]  # facts are Device's fields


def now(mode: str = "armed", at: datetime = BEGIN, **known: object) -> Circumstances:
    """Return circumstances of a Monday, at midnight if nothing else is said."""
    return Circumstances(mode=mode, at=at, **known)  # type: ignore[arg-type]  # the words of Circumstances


def lists(values: list[str], most: int = 2) -> st.SearchStrategy[tuple[str, ...]]:
    """Draw some values, mostly none."""
    return st.one_of(st.just(()), st.just(()), st.lists(st.sampled_from(values), min_size=1, max_size=most).map(tuple))


def _port_and_parent() -> st.SearchStrategy[dict[str, str]]:
    return st.sampled_from(PORTS).map(
        lambda port: {"port": port, "parent": port.rpartition(".")[0] or f"usb{port.split('-')[0]}"}
    )


_interface = st.builds(interface, st.sampled_from(TRIPLES), st.integers(0, 2), st.integers(0, 1), st.integers(1, 2))
numbered = st.lists(_interface, max_size=4).map(tuple)
numbered_some = st.lists(_interface, min_size=1, max_size=4).map(tuple)


@st.composite
def devices(draw: st.DrawFn, *, read_whole: bool = False) -> Device:
    """Draw a device; ``read_whole``: one that could be read, and has interfaces."""
    vendor, product = (int(part, 16) for part in draw(st.sampled_from(DEVICES)).split(":"))
    return Device(
        **draw(_port_and_parent()),
        vendor=vendor,
        product=product,
        serial=draw(st.sampled_from(TEXTS)),
        name=draw(st.sampled_from(TEXTS)),
        manufacturer=draw(st.sampled_from(TEXTS)),
        hash=draw(st.sampled_from(HASHES)),
        parent_hash=draw(st.sampled_from(HASHES)),
        connect=draw(st.sampled_from(["hotplug", "hardwired", "unknown"])),
        whole=read_whole or draw(st.sampled_from([True, True, True, False])),
        interfaces=draw(numbered_some if read_whole else numbered),
    )


asked_interfaces = st.builds(
    Interfaces,
    any=lists(PATTERNS),
    all=lists(PATTERNS),
    only=lists(PATTERNS, 3),
    none=lists(PATTERNS),
    exactly=lists(PATTERNS, 3),
)

matches = st.builds(
    Match,
    device=lists(DEVICE_PATTERNS),
    serial=lists(TEXT_PATTERNS),
    name=lists(TEXT_PATTERNS),
    manufacturer=lists(TEXT_PATTERNS),
    port=lists(PORT_PATTERNS),
    parent=lists(PORT_PATTERNS),
    hash=lists(["hashA=", "hashB="]),
    parent_hash=lists(["hashA=", "hashB="]),
    connect=lists(["hotplug", "hardwired", "unknown"]),
    interfaces=st.one_of(st.just(Interfaces()), asked_interfaces),
)

narrow_matches = st.one_of(
    st.builds(Match, interfaces=asked_interfaces),
    st.sampled_from(DEVICE_PATTERNS).map(lambda one: Match(device=(one,))),
    st.sampled_from(TEXT_PATTERNS).map(lambda one: Match(name=(one,))),
    st.sampled_from(PORT_PATTERNS).map(lambda one: Match(port=(one,))),
    matches,
)


def clock_time(minutes: int) -> str:
    """Return minutes of the day as ``HH:MM``."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


@st.composite
def whens(draw: st.DrawFn) -> When:
    """Draw when a rule counts."""
    span = {}
    if draw(st.booleans()):
        begin = draw(st.integers(0, 1439))
        end = (begin + draw(st.integers(1, 1439))) % 1440 or 1440 * (begin > 0)
        span = {"from_": clock_time(begin), "to": clock_time(end)}
    modes = draw(lists(["maintenance", "armed", "export"], 3))
    return When(mode=modes, weekdays=draw(lists(list(WEEKDAYS), 4)), **span)  # type: ignore[arg-type]  # drawn of Mode


@st.composite
def rules(draw: st.DrawFn, id_: str) -> Rule:
    """Draw a rule."""
    verdict = draw(st.sampled_from(["allow", "block", "reject"]))
    unless = tuple(one for one in draw(st.lists(narrow_matches, max_size=2)) if not one.is_empty)
    return Rule(
        id=id_,
        verdict=verdict,
        match=draw(narrow_matches),
        unless=unless if draw(st.booleans()) else (),
        when=draw(st.one_of(st.just(When()), whens())),
        let_in=draw(lists(PATTERNS)) if verdict == "allow" else (),
        comment=draw(st.sampled_from(["", "Why “it” is here.", "two\nlines", 'a "quoted" \\ one'])),
    )


verdicts = st.sampled_from(["allow", "block", "reject"])
policies = st.integers(1, 5).flatmap(
    lambda count: st.builds(
        Policy,
        name=st.sampled_from(["", "Policy", 'with "quotes"']),
        otherwise=st.builds(Otherwise, maintenance=verdicts, armed=verdicts, export=verdicts),
        rule=st.tuples(*(rules(id_=f"rule-{n}") for n in range(count))),
    )
)

moments = st.integers(0, 14 * 24 * 3600).map(lambda seconds: BEGIN + timedelta(seconds=seconds))
circumstances = st.builds(
    Circumstances,
    mode=st.sampled_from(["maintenance", "armed", "export"]),
    at=moments,
    confirmed=st.sampled_from([frozenset(), frozenset({"hashA="})]),
    let_in=st.sampled_from([frozenset(), frozenset({("hashB=", "1-1")})]),
)
