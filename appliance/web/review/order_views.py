"""Work that takes a while: exports and verifications are ordered, followed, given up, and their files fetched."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from flask import Response, send_from_directory, url_for
from msgspec import Meta

from appliance.errors import NotFoundError
from appliance.web.access import ForbiddenError, allow
from appliance.web.asking import read_form, speaks
from appliance.web.language.problems import problem_words
from appliance.web.review import work
from appliance.web.review.blueprint import BLUEPRINT, PLAYERS, READERS, Microseconds, recording_of
from appliance.web.review.bookmark_views import NoFields
from appliance.web.review.overview import cameras_of
from appliance.web.services import address, person, services


class ExportForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stretch of wall time (microseconds) of some cameras; none: of all."""

    from_us: Microseconds
    to_us: Microseconds
    cameras: Annotated[list[Annotated[str, Meta(max_length=60)]], Meta(max_length=64)] = []


class CheckForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How deeply to verify: `presence`, `chain` or `full`."""

    level: Annotated[str, Meta(max_length=20)]


class JobAnswer(msgspec.Struct, kw_only=True):
    """How far an order is. ``state``: waiting, running, done, failed or cancelled; ``links`` fetch its files."""

    id: str
    kind: str
    state: str
    done: int
    total: int
    result: dict[str, Any]
    problem: dict[str, str]
    links: list[str] = []


class Done(msgspec.Struct):
    """It is done."""

    ok: bool


@BLUEPRINT.post("/api/recordings/<sitting>/exports")
@allow(*PLAYERS)
@speaks(form=ExportForm, answer=JobAnswer, status=202, errors=(409,))
def export(sitting: str) -> tuple[dict[str, Any], int]:
    """Start an export of a stretch of wall time: a clip of each camera, with manifest and signature."""
    form = read_form(ExportForm)
    box = services()
    chosen = dict.fromkeys(form.cameras or cameras_of(box.settings.vault_dir, sitting))
    order = work.ExportOrder(
        recordings=tuple(recording_of(sitting, camera) for camera in chosen),
        from_us=form.from_us,
        to_us=form.to_us,
        person=person().name,
        where=address(),
    )
    order.check()
    job = box.jobs.start("export", person().name, lambda job: work.export(box, order, job))
    return job.as_dict(), 202


@BLUEPRINT.post("/api/recordings/<sitting>/checks")
@allow(*READERS)
@speaks(form=CheckForm, answer=JobAnswer, status=202)
def verify(sitting: str) -> tuple[dict[str, Any], int]:
    """Start a verification of every camera of a sitting."""
    level = work.level_of(read_form(CheckForm).level)
    if level == "full" and person().role not in PLAYERS:
        raise ForbiddenError("Your role does not open recordings.", hint="Verify the chain: it needs no key.")
    box = services()
    cameras = tuple(cameras_of(box.settings.vault_dir, sitting))
    order = work.CheckOrder(sitting, cameras, level, person().name, address())
    job = box.jobs.start("check", person().name, lambda job: work.check(box, order, job))
    return job.as_dict(), 202


@BLUEPRINT.get("/api/jobs/<number>")
@allow(*READERS)
@speaks(answer=JobAnswer)
def job_state(number: str) -> dict[str, Any]:
    """Tell how far a person's own order is, and where its files are."""
    job = services().jobs.find(number, person().name)
    facts = _said(job.as_dict())
    for file in facts["result"].get("files", []):
        facts.setdefault("links", []).append(url_for("review.download", number=number, name=file["name"]))
    return facts


def _said(facts: dict[str, Any]) -> dict[str, Any]:
    """Return a job's facts with its sentences in the reader's language."""
    result, problem = dict(facts["result"]), facts["problem"]
    if problem:
        facts["problem"] = {**problem, **{name: problem_words(problem.get(name, "")) for name in ("message", "hint")}}
    if "cameras" in result:
        result["cameras"] = [_said_check(report) for report in result["cameras"]]
    return {**facts, "result": result}


def _said_check(report: dict[str, Any]) -> dict[str, Any]:
    findings = [{**one, "message": problem_words(one["message"])} for one in report.get("findings", [])]
    return {**report, "words": problem_words(report["words"]), "findings": findings} if "words" in report else report


@BLUEPRINT.post("/api/jobs/<number>/discard")
@allow(*READERS)
@speaks(form=NoFields, answer=Done)
def discard(number: str) -> dict[str, Any]:
    """Give an order up, or delete its files now."""
    read_form(NoFields)
    services().jobs.discard(number, person().name)
    return {"ok": True}


@BLUEPRINT.get("/exports/<number>/<name>")
@allow(*PLAYERS)
def download(number: str, name: str) -> Response:
    """Send one file of an export that this person made."""
    job = services().jobs.find(number, person().name)
    if name not in {file["name"] for file in job.result.get("files", [])}:
        raise NotFoundError("That export has no such file.")
    return send_from_directory(job.folder, name, as_attachment=True, max_age=None)
