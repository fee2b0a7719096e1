"""The cameras' pages: listed, tried before they are stored, changed safely, removed and brought back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
import pytest

from appliance import auditlog
from appliance.cameras import store
from appliance.cameras.credentials import credential_context, unpack_credential
from appliance.cameras.model import Camera, camera_from
from appliance.vault import keys
from tests.web.bad_fields import bad_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database
    from werkzeug.test import TestResponse

    from appliance.clock import ManualClock
    from appliance.config import Settings
    from tests.web.conftest import Browser, StandInCapture

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"
ADDRESS = "rtsp://192.0.2.20/stream1"
SECRET = "Tür/ö#ffner 7"


@pytest.fixture(autouse=True)
def _keys(settings: Settings, clock: ManualClock) -> None:
    """Give the box its keys."""
    keys.init_keys(settings, passphrase=None, clock=clock)


@pytest.fixture
def admin(person: Callable[[str], Browser]) -> Browser:
    """An administrator."""
    return person("administrator")


def add(db: Database, clock: ManualClock, **fields: Any) -> Camera:
    """Store a camera."""
    values = {"id": "front", "name": "Front", "role": "room", "kind": "rtsp", "address": ADDRESS, **fields}
    return store.add_camera(db, camera_from(values), fields.pop("sealed", None), clock=clock, who="test")


def entered(name: str = "Front left", **fields: str) -> dict[str, str]:
    """Return what the form of a new camera sends."""
    return {"name": name, "kind": "rtsp", "address": ADDRESS, "user": "box", "password": SECRET, **fields}


def settings_of(camera: Camera, **fields: str) -> dict[str, str]:
    """Return what the form of a camera's settings sends."""
    names = ("name", "role", "purpose", "lawful_basis", "retention_hours", "retention_reason")
    return {**{name: str(getattr(camera, name)) for name in names}, **fields}


def trial(answer: TestResponse) -> str:
    """Return where a trial's page is."""
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def send(browser: Browser, path: str, **fields: str) -> TestResponse:
    """Send a form whose page is elsewhere."""
    data = {"csrf_token": browser.token("/admin/cameras"), **fields}
    return browser.client.post(path, data=data, headers={"Accept": "text/html"})


def actions(db: Database) -> list[tuple[str, dict[str, Any]]]:
    """Return what the log says of cameras, the oldest first."""
    lines = list(auditlog.show(db, limit=100))
    return [(line.action, dict(line.detail or {})) for line in lines if line.action.startswith("camera.")]


def stored_password(db: Database, settings: Settings, camera: str) -> tuple[str, str] | None:
    """Return user and password as capture would open them."""
    sealed = store.sealed_credential(db, camera)
    if sealed is None:
        return None
    context = credential_context(camera, store.get_camera(db, camera).address)
    opened = unpack_credential(keys.open_for_capture(settings.keys_dir, sealed, context=context))
    return opened.user, opened.password


def test_a_camera_is_tried_then_described_then_stored(
    admin: Browser, db: Database, settings: Settings, capture: StandInCapture
) -> None:
    """The whole way: address and password, a trial with picture and facts, settings, and the sealed row."""
    where = trial(admin.submit("/admin/cameras/add", **entered()))
    assert store.list_cameras(db) == []
    page = admin.get(where)
    assert page.status_code == 200
    for words in ("It works.", "1920 \N{MULTIPLICATION SIGN} 1080", "H.264", "AAC, 48 kHz", ADDRESS):
        assert words in page.text
    assert admin.get(f"{where}/picture").data == b"\xff\xd8tried"
    asked, sealed = capture.tried[0]
    assert asked["id"] == "front-left"
    assert SECRET.encode() not in (sealed or b"")
    fields = settings_of(camera_from(asked), role="auxiliary", retention_hours="48")
    done = admin.submit(where, **fields)
    assert done.status_code == 303, done.text
    made = store.get_camera(db, "front-left")
    assert (made.name, made.role, made.retention_hours, made.audio, made.address) == (
        "Front left", "auxiliary", 48, False, ADDRESS,
    )  # fmt: skip
    assert stored_password(db, settings, "front-left") == ("box", SECRET)
    assert "is added" in admin.get("/admin/cameras").text
    assert actions(db) == [
        ("camera.tested", {"camera": "front-left", "kind": "rtsp", "at": "rtsp://192.0.2.20", "outcome": "works"}),
        ("camera.added", {"camera": "front-left", "kind": "rtsp", "role": "auxiliary"}),
    ]


def test_no_page_and_no_log_ever_shows_the_password(admin: Browser, db: Database, capture: StandInCapture) -> None:
    """Neither after a good trial, nor a failed one, nor a mistake, nor as part of the address."""
    seen = [admin.get(trial(admin.submit("/admin/cameras/add", **entered()))).text]
    capture.failing = "unauthorised"
    seen.append(admin.get(trial(admin.submit("/admin/cameras/add", **entered()))).text)
    seen.append(admin.submit("/admin/cameras/add", **entered(address="nonsense://x")).text)
    hidden = f"rtsp://box:{SECRET.replace('/', '%2F').replace('#', '%23').replace(' ', '%20')}@192.0.2.20/a"
    seen.append(
        admin.get(trial(admin.submit("/admin/cameras/add", **entered(address=hidden, user="", password="")))).text
    )
    seen.append(admin.submit("/admin/cameras/add", **entered(address=f"rtsp://box:{SECRET}@192.0.2.20/a")).text)
    seen += [str(row) for row in db.query("SELECT * FROM log_entry")]
    for text in seen:
        assert "ffner" not in text
    assert capture.tried[2][0]["address"] == "rtsp://192.0.2.20/a"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("unauthorised", "The user name or the password is wrong."),
        ("refused", "A machine is there, but it refuses the connection."),
        ("unreachable", "Nothing answers at this address."),
        ("invalid", "What comes from there is no video stream"),
        ("not_found", "There is no such stream"),
        ("of the future", "It does not work."),
    ],
)
def test_a_failure_is_said_plainly_and_nothing_is_stored(
    admin: Browser, db: Database, capture: StandInCapture, reason: str, words: str
) -> None:
    """The form comes back filled in, with what is wrong and what to do, without the command line's options."""
    capture.failing = reason
    page = admin.get(trial(admin.submit("/admin/cameras/add", **entered())))
    assert words in page.text
    assert "--user" not in page.text
    assert "command line" not in page.text.split("<main", 1)[1]
    assert f'value="{ADDRESS}"' in page.text
    assert store.list_cameras(db) == []
    assert "Add it all the same" in page.text


def test_after_a_failure_the_password_need_not_be_typed_again(
    admin: Browser, db: Database, settings: Settings, capture: StandInCapture
) -> None:
    """A corrected path at the same host uses the password that was entered; another host never gets it."""
    capture.failing = "not_found"
    first = trial(admin.submit("/admin/cameras/add", **entered(address="rtsp://192.0.2.20/wrong")))
    name = first.rpartition("trial=")[2]
    capture.failing = ""
    again = trial(admin.submit("/admin/cameras/add", **entered(password="", trial=name)))
    admin.submit(again, **settings_of(camera_from(capture.tried[1][0])))
    assert stored_password(db, settings, "front-left") == ("box", SECRET)
    admin.submit("/admin/cameras/add", **entered("Other", address="rtsp://192.0.2.66/x", password="", trial=name))
    asked, sealed = capture.tried[2]
    opened = keys.open_for_capture(
        settings.keys_dir, sealed or b"", context=credential_context(asked["id"], asked["address"])
    )
    assert unpack_credential(opened).password == ""


def test_a_camera_that_does_not_work_yet_can_be_added_all_the_same(
    admin: Browser, db: Database, capture: StandInCapture
) -> None:
    """The person says so on a page that names the failure."""
    capture.failing = "unreachable"
    failed = trial(admin.submit("/admin/cameras/add", **entered()))
    where = f"/admin/cameras/trials/{failed.rpartition('=')[2]}"
    assert "Nothing answers" in admin.get(where).text
    admin.submit(where, **settings_of(camera_from(capture.tried[0][0])))
    assert [camera.id for camera in store.list_cameras(db)] == ["front-left"]


@pytest.mark.parametrize(
    "address",
    [
        "http://192.0.2.20/", "file:///etc/passwd", "rtsp://192.0.2.20:22/", "rtsp://192.0.2.20:80/", "rtsp://0.0.0.0/",
        "rtsp://224.0.0.1/", "rtsp://255.255.255.255/", "rtsp://127.0.0.1:8480/", "rtsp://localhost:8443/", "rtsps://a/",
        "rtsp://192.0.2.20/a b", "rtsp://[::]/", "", "rtsp://", "rtsp://x/?password=a",
    ],
)  # fmt: skip
def test_the_box_is_no_way_to_other_services(admin: Browser, capture: StandInCapture, address: str) -> None:
    """What no camera's stream can be is refused before anything is connected to."""
    assert admin.submit("/admin/cameras/add", **entered(address=address)).status_code == 422
    assert capture.tried == []


@pytest.mark.parametrize(
    ("kind", "fields", "address"),
    [
        ("v4l2", {"device": "/dev/v4l/by-id/usb-046d_C920-video-index0"}, "/dev/v4l/by-id/usb-046d_C920-video-index0"),
        ("picamera", {"number": "1"}, "1"),
        ("file", {"film": "/srv/room.MP4"}, "/srv/room.MP4"),
        ("pattern", {"size": "640x360@10"}, "640x360@10"),
        ("rtsp", {"address": "192.0.2.20:8554/live"}, "rtsp://192.0.2.20:8554/live"),
    ],
)
def test_every_kind_of_camera_is_tried(
    admin: Browser, capture: StandInCapture, kind: str, fields: dict[str, str], address: str
) -> None:
    """Each kind has its own field; only network cameras sign in."""
    form = {"name": "One", "kind": kind, **fields}
    trial(admin.submit("/admin/cameras/add", **form))
    asked, sealed = capture.tried[0]
    assert (asked["kind"], asked["address"], sealed) == (kind, address, None)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("v4l2", {"device": "/dev/video0"}),
        ("v4l2", {"device": "/dev/v4l/by-id/../../sda"}),
        ("picamera", {"number": "x"}),
        ("file", {"film": "/etc/passwd"}),
        ("file", {"film": "relative.mp4"}),
        ("file", {"film": "http://192.0.2.1/a.mp4"}),
        ("pattern", {"size": "1x1"}),
        ("other", {}),
    ],
)
def test_what_is_no_camera_is_refused(
    admin: Browser, capture: StandInCapture, kind: str, fields: dict[str, str]
) -> None:
    """Unstable device names, other files, other addresses: nothing is opened."""
    assert admin.submit("/admin/cameras/add", name="One", kind=kind, **fields).status_code == 422
    assert capture.tried == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"address": "http://192.0.2.20/"}, "address"),
        ({"address": "rtsp://192.0.2.20:22/"}, "address"),
        ({"user": "", "password": "x"}, "user"),
        ({"kind": "file", "film": "relative.mp4"}, "film"),
    ],
)
def test_what_is_wrong_stands_at_its_field(admin: Browser, fields: dict[str, str], field: str) -> None:
    """Nothing stands above the form, no field is called by its name in code, and the others are right."""
    answer = admin.submit("/admin/cameras/add", **entered(**fields))
    assert "callout-bad" not in answer.text
    found = bad_fields(answer.text)
    assert list(found) == [field]
    assert f"{field}:" not in found[field]


def test_another_address_that_is_none_stands_at_its_field(admin: Browser, db: Database, clock: ManualClock) -> None:
    """Changing a connection tells what is wrong in the same place."""
    camera = add(db, clock)
    answer = admin.submit(f"/admin/cameras/{camera.id}/connection", kind="rtsp", address="rtsp://", version="1")
    assert answer.status_code == 422
    assert bad_fields(answer.text)["address"].startswith("This is no RTSP address.")


def test_usb_cameras_are_offered_by_readable_stable_names(admin: Browser, capture: StandInCapture) -> None:
    """The list is capture's; without capture the page says so and still opens."""
    capture.usb = ["/dev/v4l/by-id/usb-046d_HD_Pro_Webcam_C920_6F1B-video-index0"]
    assert "046d HD Pro Webcam C920 6F1B" in admin.get("/admin/cameras/add").text
    capture.running = False
    page = admin.get("/admin/cameras/add")
    assert page.status_code == 200
    assert "The recording process does not answer." in page.text
    assert admin.submit("/admin/cameras/add", **entered()).status_code == 503


def test_the_list_says_what_there_is(admin: Browser, db: Database, clock: ManualClock, capture: StandInCapture) -> None:
    """Name, state, connection, masks, sound, retention with its reason; an empty list helps to begin."""
    assert "No cameras yet" in admin.get("/admin/cameras").text
    half = [[(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)]]
    add(db, clock, masks=half, audio=True, retention_hours=100, retention_reason="Appeals run for four days.")
    add(db, clock, id="off", name="Off", address="rtsp://192.0.2.21/", enabled=False)
    text = admin.get("/admin/cameras").text
    for words in ("Front", "live", ADDRESS, "50 % masked", "sound on", "100 h", "Appeals run", "switched off"):
        assert words in text
    states = admin.client.get("/api/cameras/states", headers={"Accept": "application/json"}).get_json()
    assert [(one["camera"], one["words"], one["kind"]) for one in states["cameras"]] == [
        ("front", "live", "good"), ("off", "switched off", ""),
    ]  # fmt: skip
    capture.running = False
    assert "The recording process does not answer." in admin.get("/admin/cameras").text


@pytest.mark.parametrize("role", ["centre_manager", "auditor"])
def test_who_answers_for_the_box_reads_and_changes_nothing(
    person: Callable[[str], Browser], db: Database, clock: ManualClock, role: str
) -> None:
    """Every fact, no form."""
    add(db, clock)
    reader = person(role)
    page = reader.get("/admin/cameras/front").text.split("<main", 1)[1]
    assert "Public task" in page
    assert "<form" not in page
    assert "<form" not in reader.get("/admin/cameras").text.split("<main", 1)[1]


def test_settings_are_saved(admin: Browser, db: Database, clock: ManualClock) -> None:
    """What is entered holds, and the log names the fields."""
    camera = add(db, clock)
    fields = settings_of(
        camera, name="Back", retention_hours="24", audio="y", version=str(store.camera_version(db, "front"))
    )
    assert send(admin, "/admin/cameras/front", **fields).status_code == 303
    now = store.get_camera(db, "front")
    assert (now.name, now.retention_hours, now.audio) == ("Back", 24, True)
    assert actions(db)[-1] == ("camera.edited", {"camera": "front", "fields": ["audio", "name", "retention_hours"]})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"retention_hours": "100"}, "needs a written reason"),
        ({"retention_hours": "0"}, "Between 1 hour and 5 years."),
        ({"retention_hours": "x"}, "valid integer"),
        ({"name": ""}, "Enter a name."),
        ({"purpose": "x" * 201}, "At most 200 characters."),
        ({"role": "spy"}, "Not a valid choice"),
    ],
)
def test_wrong_settings_are_said_at_their_field(
    admin: Browser, db: Database, clock: ManualClock, fields: dict[str, str], words: str
) -> None:
    """Nothing is stored, and the page says which field and why."""
    before = add(db, clock)
    answer = send(admin, "/admin/cameras/front", **settings_of(before, **fields))
    assert answer.status_code == 422
    assert words in answer.text
    assert store.get_camera(db, "front") == before


def test_a_colleagues_change_is_not_overwritten_unseen(admin: Browser, db: Database, clock: ManualClock) -> None:
    """The second to save is shown what is there now; saving once more overwrites it knowingly."""
    camera = add(db, clock)
    version = str(store.camera_version(db, "front"))
    clock.advance(1)
    store.edit_camera(db, msgspec.structs.replace(camera, purpose="Theirs"), clock=clock, who="Colleague")
    mine = settings_of(camera, purpose="Mine", version=version)
    answer = send(admin, "/admin/cameras/front", **mine)
    assert answer.status_code == 409
    assert "Theirs" in answer.text
    assert 'value="Mine"' in answer.text
    assert store.get_camera(db, "front").purpose == "Theirs"
    shown = re.search(r'name="version"[^>]*value="(\d+)"', answer.text)
    assert shown
    assert send(admin, "/admin/cameras/front", **{**mine, "version": shown[1]}).status_code == 303
    assert store.get_camera(db, "front").purpose == "Mine"


def test_a_new_connection_is_tried_before_it_is_used(
    admin: Browser, db: Database, clock: ManualClock, settings: Settings, capture: StandInCapture
) -> None:
    """Another path keeps the stored password, another host does not; nothing changes until it is said."""
    add(db, clock, masks=[[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)]])
    sealed = keys.seal_for_capture(settings.keys_dir, b'{"user":"u","password":"p"}', context="camera/front")
    store.edit_camera(db, store.get_camera(db, "front"), clock=clock, who="t", credential_sealed=sealed)
    path = "/admin/cameras/front/connection"
    version = str(store.camera_version(db, "front"))
    where = trial(
        admin.submit(path, kind="rtsp", address="rtsp://192.0.2.20/other", user="", password="", version=version)
    )
    assert capture.tried[-1][1] == sealed
    assert capture.tried[-1][0]["masks"]
    assert store.get_camera(db, "front").address == ADDRESS
    assert admin.submit(where).status_code == 303
    assert store.get_camera(db, "front").address == "rtsp://192.0.2.20/other"
    assert store.sealed_credential(db, "front") == sealed
    admin.submit(path, kind="rtsp", address="rtsp://192.0.2.99/x", user="", password="")
    assert capture.tried[-1][1] is None


def test_a_connection_changed_meanwhile_is_not_overwritten(admin: Browser, db: Database, clock: ManualClock) -> None:
    """The version the person began with travels with the trial."""
    camera = add(db, clock)
    version = str(store.camera_version(db, "front"))
    fields = {"kind": "rtsp", "address": "rtsp://192.0.2.30/", "user": "", "password": "", "version": version}
    where = trial(admin.submit("/admin/cameras/front/connection", **fields))
    store.edit_camera(db, msgspec.structs.replace(camera, name="Theirs"), clock=clock, who="Colleague")
    assert admin.submit(where).status_code == 409
    assert store.get_camera(db, "front").address == ADDRESS


def test_a_stored_camera_is_tested_as_it_is(
    admin: Browser, db: Database, clock: ManualClock, capture: StandInCapture
) -> None:
    """With its masks and its own password, changing nothing."""
    before = add(db, clock, masks=[[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)]])
    where = trial(send(admin, "/admin/cameras/front/test"))
    assert "Its masks are applied." in admin.get(where).text
    assert capture.tried[0][0] == msgspec.to_builtins(before)
    assert store.get_camera(db, "front") == before


def test_switched_off_and_on_removed_and_brought_back(
    admin: Browser, db: Database, clock: ManualClock, settings: Settings
) -> None:
    """Each is one button; what is removed comes back without its password and switched off, other kinds switched on."""
    add(db, clock)
    add(db, clock, id="pattern", name="Pattern", kind="pattern", address="160x96@5")
    sealed = keys.seal_for_capture(settings.keys_dir, b'{"user":"u","password":"p"}', context="camera/front")
    store.edit_camera(db, store.get_camera(db, "front"), clock=clock, who="t", credential_sealed=sealed)
    for act, enabled in (("disable", False), ("enable", True)):
        assert send(admin, f"/admin/cameras/front/{act}").status_code == 303
        assert store.get_camera(db, "front").enabled is enabled
    for name in ("front", "pattern"):
        assert send(admin, f"/admin/cameras/{name}/remove").status_code == 303
        assert admin.get(f"/admin/cameras/{name}").status_code == 404
    page = admin.get("/admin/cameras").text
    assert "Bring back" in page
    for name in ("front", "pattern"):
        assert send(admin, f"/admin/cameras/{name}/restore").status_code == 303
    assert not store.get_camera(db, "front").enabled
    assert store.sealed_credential(db, "front") is None
    assert store.get_camera(db, "pattern").enabled
    assert {"camera.removed", "camera.restored", "camera.edited"} <= {action for action, _ in actions(db)}


def test_a_camera_whose_name_is_taken_cannot_come_back(admin: Browser, db: Database, clock: ManualClock) -> None:
    """It says so; nothing is changed."""
    add(db, clock)
    store.remove_camera(db, "front", clock=clock, who="t")
    add(db, clock, id="front-2")
    assert send(admin, "/admin/cameras/front/restore").status_code == 409


def test_trials_end(admin: Browser, clock: ManualClock, capture: StandInCapture) -> None:
    """After half an hour a trial is gone, with its sealed password and picture."""
    where = trial(admin.submit("/admin/cameras/add", **entered()))
    clock.advance(20 * 60)
    assert admin.get(where).status_code == 200
    clock.advance(20 * 60)
    assert admin.get(where).status_code in {404, 302}


@pytest.mark.parametrize("field", ["name", "purpose", "lawful_basis", "retention_reason"])
def test_markup_in_every_text_stays_text(admin: Browser, db: Database, clock: ManualClock, field: str) -> None:
    """On every page that shows a camera, what a person entered is shown as it was entered and does nothing."""
    add(db, clock, **{field: EVIL})
    store.remove_camera(db, add(db, clock, id="gone", **{field: EVIL, "name": f"{EVIL} gone"}).id, clock=clock, who="t")
    pages = ["", "/front", "/front/masks", "/front/connection"]
    for path in [f"/admin/cameras{page}" for page in pages] + ["/live", "/live/front", "/recordings", "/admin/storage"]:
        answer = admin.get(path)
        assert answer.status_code == 200, path
        assert "<script>alert" not in answer.text, path
        assert "<img src=x" not in answer.text, path
        assert "{{7*7}}" in answer.text or "alert(1)" not in answer.text, path
    where = trial(send(admin, "/admin/cameras/front/test"))
    assert "<script>alert" not in admin.get(where).text
    assert urlsplit(where).path.startswith("/admin/cameras/trials/")
