"""A whole day of a sitting in a real browser: planned, admitted, written, signed off."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import pytest

from appliance.clock import SystemClock
from appliance.config import PathSettings, Settings
from appliance.database import connect
from appliance.exams.records import Incident
from appliance.exams.records import Warning as Flag
from appliance.exams.roster import draft_roster
from appliance.exams.seating import draft_seating
from appliance.exams.timing import SittingTiming
from appliance.sittings.acts import act
from appliance.sittings.exams import upsert_exam
from appliance.sittings.incidents import record_incident
from appliance.sittings.planning import plan_sitting
from appliance.sittings.rosters import candidates_of, exam_names, roster_of, take_roster, take_seating
from appliance.sittings.values import SittingPlan
from appliance.sittings.warnings import note_warning
from appliance.web.account import accounts
from appliance.web.sittings.own_exams import own_integration, own_parameters
from tests.journeys.conftest import PASSWORD, Box, first_run
from tests.journeys.for_everybody import complaints, faults_of

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page
    from sqlite_utils import Database

    from appliance.exams.transitions import Role

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(300)]
HOUR = 3_600_000_000
WRONG = "number;last_name;first_name;extra_time\n1;Lovelace;Ada;lots\n2;Babbage;Charles;\n3;Hopper;Grace;\n"
SEATS = "seat\tnumber\trow\tcolumn\nA1\t1\t1\t1\nA2\t2\t1\t2\nB1\t3\t2\t1\n"


def manager(page: Page, box: Box) -> None:
    """Sign a centre manager in, whom the administrator made."""
    first_run(page, box)
    db = connect(Settings(paths=PathSettings(state=str(box.state))).database)
    accounts.create_account(db, "Mia", "centre_manager", PASSWORD, clock=SystemClock(), who="Ada")
    db.conn.close()
    page.context.clear_cookies()
    page.goto(f"{box.address}/sign-in")
    page.get_by_label("Name").fill("Mia")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/live")


def stop_first_recording(page: Page) -> None:
    """A trial box records from its first start; the sitting is to have a recording of its own."""
    page.get_by_role("button", name="Stop recording").click()
    page.locator("#ask-stop").get_by_role("button", name="Stop recording").click()
    page.get_by_text("Not recording").wait_for()


def moment(hours: int) -> str:
    """A date and time from now, as the field of a form takes it; the box's zone is UTC."""
    return (dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M")


def make_exam(page: Page, box: Box) -> None:
    """Make an exam by hand, as a centre without an LMS does."""
    page.goto(f"{box.address}/sittings")
    page.get_by_role("link", name="Make an exam by hand").click()
    page.get_by_label("Name", exact=True).fill("Algebra 1")
    page.get_by_label("Duration in minutes").fill("60")
    page.get_by_label("Window from").fill(moment(-1))
    page.get_by_label("Window until").fill(moment(12))
    page.get_by_role("button", name="Keep").click()
    page.get_by_text("“Algebra 1” is kept.").wait_for()


def plan(page: Page, box: Box) -> str:
    """Plan a sitting; return its page."""
    page.goto(f"{box.address}/sittings/plan")
    page.get_by_label("Name", exact=True).fill("Morning")
    page.get_by_role("checkbox", name=re.compile("Algebra 1")).check()
    page.get_by_label("Planned start").fill(moment(1))
    page.get_by_role("button", name="Keep the plan").click()
    page.locator("#day").wait_for()
    return page.url


def import_roster(page: Page, day: str, tmp_path: Path) -> None:
    """Bring a roster with a mistake, see it in its cell, correct it in the text, take it; then the seats."""
    file = tmp_path / "roster.csv"
    file.write_text(WRONG, "utf-8")
    page.goto(f"{day}/import")
    page.get_by_label("CSV or XLSX, the heads in the first row").set_input_files(str(file))
    page.get_by_role("button", name="Look at it").first.click()
    bad = page.locator("td.cell-bad")
    bad.wait_for()
    assert "is not understood" in bad.inner_text()
    assert page.get_by_role("button", name="Take it").count() == 0
    text = page.get_by_label("Copied from a spreadsheet, with the heads")
    text.fill(text.input_value().replace("lots", "25 %"))
    page.get_by_role("button", name="Look at it").last.click()
    page.get_by_role("button", name="Take it").click()
    page.get_by_text("The roster has 3 candidates now.").wait_for()
    page.goto(f"{day}/import?kind=seating")
    page.get_by_label("Copied from a spreadsheet, with the heads").fill(SEATS)
    page.get_by_role("button", name="Look at it").last.click()
    page.get_by_role("button", name="Take it").click()
    page.get_by_text("The seating plan has 3 seats now.").wait_for()


def row(page: Page, name: str) -> Locator:
    """A candidate's row."""
    return page.locator("[data-row]", has_text=name)


def in_state(page: Page, name: str, state: str) -> None:
    """Wait until the table says where a candidate is."""
    row(page, name).locator(f"[data-state={state}]").wait_for()


def fold(page: Page, words: str, **fields: str) -> None:
    """Open an act above the list, fill it in, and send it."""
    summary = page.locator("#part-all summary", has_text=words)
    summary.click()
    form = page.locator("#part-all details[open] form")
    for label, value in fields.items():
        form.get_by_label(label).fill(value)
    form.get_by_role("button", name=words).click()


def admit(page: Page, name: str) -> None:
    """Admit a candidate: arrived, no document asked, notice, seat; one or two taps each."""
    row(page, name).get_by_role("button", name="Arrived").click()
    row(page, name).get_by_role("button", name="Go on").click()
    in_state(page, name, "identity_checked")
    notice = row(page, name).locator(".row-button", has_text="Notice acknowledged")
    notice.click()
    dialog = page.locator("#acts-dialog")
    if "…" in notice.inner_text():
        dialog.get_by_label("Version of the notice that was shown").fill("2026-1")
        dialog.get_by_role("button", name="Notice acknowledged").click()
    in_state(page, name, "consented")
    row(page, name).get_by_role("button", name="Seated").click()
    in_state(page, name, "seated")


def confirm(page: Page, words: str) -> None:
    """Answer the question that stands before an act for several."""
    page.locator("dialog.ask[open]").get_by_role("button", name=words).click()


def test_a_whole_day(page: Page, box: Box, tmp_path: Path) -> None:
    """Plan, roster with an error corrected, override, admission, start, extra time, pause, end, register, close."""
    manager(page, box)
    stop_first_recording(page)
    make_exam(page, box)
    day = plan(page, box)
    import_roster(page, day, tmp_path)
    page.goto(day)
    page.get_by_role("button", name="Begin the readiness check").click()
    banner = page.locator(".banner.callout-bad")
    banner.wait_for()
    assert "not being sealed" in banner.inner_text(), "the recording has only just been asked for"
    banner.get_by_text("Admit in spite of it…").click()
    banner.get_by_label("Reason").fill("Seen on the room's page")
    banner.get_by_role("button", name="Admit in spite of it").click()
    page.locator(".banner.callout-warn", has_text="Seen on the room's page").wait_for()
    page.get_by_role("button", name="Begin admission").click()
    page.locator("[data-state=admitting]").first.wait_for()
    for name in ("Lovelace", "Babbage", "Hopper"):
        admit(page, name)
    page.get_by_role("button", name="Start the exam").click()
    page.locator("#part-all").get_by_role("button", name="Begin writing").click()
    confirm(page, "Begin writing")
    for name in ("Lovelace", "Babbage", "Hopper"):
        in_state(page, name, "writing")
    give_extra_time(page)
    fold(page, "Pause all", Reason="Fire drill")
    page.locator("#part-head [data-state=paused]").wait_for()
    page.get_by_role("button", name="Resume all").click()
    page.locator("#part-head [data-state=running]").wait_for()
    fold(page, "End early", Reason="Everybody is done")
    page.locator("#part-head [data-state=ended]").wait_for()
    sign_off(page, day)


def give_extra_time(page: Page) -> None:
    """Extra time for one: the end's parts name the amount, the person and the reason."""
    row(page, "Babbage").locator(".row-more").click()
    dialog = page.locator("#acts-dialog")
    dialog.locator("#act-extend summary").click()
    dialog.locator("#act-extend").get_by_label("Minutes").fill("10")
    dialog.locator("#act-extend").get_by_label("Reason").fill("Noise from the yard")
    dialog.locator("#act-extend").get_by_role("button", name="Extra time").click()
    dialog.wait_for(state="hidden")
    row(page, "Babbage").locator("details.why summary").click()
    row(page, "Babbage").get_by_text("extra time (Mia, Noise from the yard)").wait_for()
    # Opened, it stays so when the page renews itself.
    page.wait_for_event("response", lambda answer: answer.url.endswith("/pulse"))
    assert row(page, "Babbage").get_by_text("Noise from the yard").is_visible()


def sign_off(page: Page, day: str) -> None:
    """Papers of one are counted, the register is signed and the sitting closed; it is in the list as past."""
    row(page, "Lovelace").locator(".row-button", has_text="Papers handed in").click()
    dialog = page.locator("#acts-dialog")
    dialog.get_by_label("Sheets").fill("4")
    dialog.get_by_role("button", name="Papers handed in").click()
    in_state(page, "Lovelace", "submitted")
    page.goto(f"{day}/register")
    page.get_by_role("button", name="Sign the register off").click()
    page.locator(".register-head", has_text=re.compile(r"Mia, ")).wait_for()
    page.get_by_role("button", name="Close the sitting").click()
    page.locator(".register-head", has_text="closed").wait_for()
    page.goto(f"{day.rsplit('/', 1)[0]}")
    past = page.locator("section", has=page.get_by_role("heading", name="Past"))
    assert past.get_by_role("link", name="Morning").is_visible()


def test_every_page_of_a_sitting_is_for_everybody(page: Page, box: Box) -> None:
    """Light, dark, desk, tablet, narrow, printed, by keyboard: no page of sittings or exams breaks WCAG 2.2 AA."""
    manager(page, box)
    db = connect(Settings(paths=PathSettings(state=str(box.state))).database)
    sitting, exam, candidate = running_sitting(db)
    db.conn.close()
    day = f"/sittings/{sitting}"
    paths = ["/sittings", "/sittings/plan", "/exams", f"/exams/{exam}", "/exams/new", day, f"{day}/roster"]
    paths += [f"{day}/import", f"{day}/candidates", f"{day}/candidates/{candidate}", f"{day}/incidents"]
    paths += [f"{day}/warnings", f"{day}/register", f"{day}/history"]
    told = []
    for number, path in enumerate(paths):
        page.goto(box.address + path)
        told += [f"{path}: {' '.join(fault.split())}" for fault in faults_of(page, f"sitting-{number}")]
    page.goto(f"{box.address}{day}/import")
    page.get_by_label("Copied from a spreadsheet, with the heads").fill(WRONG)
    page.get_by_role("button", name="Look at it").last.click()
    page.locator("td.cell-bad").wait_for()
    told += [f"dry run: {fault}" for fault in complaints(page)]
    page.goto(box.address + day)
    page.locator(".row-more").first.click()
    page.locator("#acts-dialog[open]").wait_for()
    told += [f"dialog: {fault}" for fault in complaints(page)]
    assert not told, "\n".join(told)


def running_sitting(db: Database) -> tuple[str, str, str]:
    """Make a sitting with people in several states, an incident and a warning; return sitting, exam and a candidate."""
    clock = SystemClock()
    now = clock.wall_us()
    integration = own_integration(db, clock=clock)
    said = own_parameters(
        code="algebra-1",
        name="Algebra 1",
        course="Maths",
        duration_minutes=60,
        start_us=now - HOUR,
        end_us=now + 9 * HOUR,
    )
    exam = upsert_exam(db, integration, said, clock=clock, who="Mia", origin="box").exam.id
    plan = SittingPlan(name="Morning", room="Room 1", exams=(exam,), timing=SittingTiming(start_us=now))
    sitting = plan_sitting(db, plan, clock=clock, who="Mia").id
    common: dict[str, Any] = {"clock": clock, "who": "Mia"}
    people = [
        ["number", "last_name", "extra_time"],
        ["1", "Lovelace", "25 %"],
        ["2", "Babbage", ""],
        ["3", "Hopper", ""],
    ]
    take_roster(
        db, sitting, draft_roster(people, sitting=sitting, exams=exam_names(db, sitting)), replace=True, **common
    )
    seats = [line.split("\t") for line in SEATS.splitlines()]
    take_seating(db, sitting, draft_seating(seats, roster=roster_of(db, sitting)), **common)
    ids = {one.number: one.id for one in candidates_of(db, sitting).values()}

    def do(name: str, candidate: str = "", role: Role = "invigilator", **detail: str | int) -> None:
        act(db, sitting, name, role=role, candidate=candidate, why="so", detail=detail, **common)

    do("check_readiness")
    do("note_readiness", role="system", clock="The clock is not synchronised: times are not proven.")
    do("override_readiness")
    do("admit")
    for number in ("1", "2"):
        for name, detail in (
            ("arrive", {}),
            ("skip_identity", {}),
            ("consent", {"notice": "1"}),
            ("seat", {"seat": f"A{number}"}),
        ):
            do(name, ids[number], **detail)
    do("start")
    do("begin", ids["1"])
    do("begin", ids["2"])
    do("extend", ids["1"], amount_us=HOUR // 6)
    do("take_break", ids["2"])
    made = Incident(id="", sitting=sitting, category="illness", severity="major", at_us=now, who="Mia", note="Headache")
    record_incident(db, made, clock=clock)
    flag = Flag(id="w1", session="", kind="phone", start_us=now, end_us=now + 1, model="model 1", confidence=0.8)
    note_warning(db, flag, clock=clock, sitting=sitting, seat="A1")
    return sitting, exam, ids["1"]
