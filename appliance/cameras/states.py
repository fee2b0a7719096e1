"""What is known of each camera at this moment: what capture says now, else what was last stored. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appliance.cameras.events import CameraEvent
    from appliance.cameras.model import Camera


class State(NamedTuple):
    """What is known of a camera: a word, its reason, since when (wall time), and whether it is being recorded."""

    state: str
    reason: str
    since_us: int | None
    recording: bool


UNKNOWN = State("unknown", "", None, recording=False)


def states(status: Mapping[str, Any], events: Mapping[str, CameraEvent]) -> dict[str, State]:
    """Return the state of each camera: what capture says now, else what was last stored."""
    known = {
        name: State(
            event.state if status or event.state != "live" else "unknown", event.reason, event.at_us, recording=False
        )
        for name, event in events.items()
    }
    for live in status.get("cameras", []):
        known[live["camera"]] = State(
            live["state"], live.get("reason") or "", live.get("since_us"), bool(live.get("recording"))
        )
    return known


def state_of(camera: Camera, known: Mapping[str, State]) -> State:
    """Return a camera's state; one that is switched off has no other."""
    if not camera.enabled:
        return State("disabled", "", None, recording=False)
    return known.get(camera.id, UNKNOWN)
