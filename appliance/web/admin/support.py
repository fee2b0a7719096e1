"""The support bundle: made in the background, looked at file by file, then downloaded."""

from __future__ import annotations

import hashlib
import zipfile
from typing import TYPE_CHECKING, Any, Final

from flask import Response, current_app, redirect, render_template, send_from_directory, url_for

from appliance import auditlog
from appliance.database import connect
from appliance.diagnosis import QUICK, THOROUGH, look
from appliance.errors import NotFoundError
from appliance.support.bundle import NAME, Sources, collect, write_bundle
from appliance.web import metrics
from appliance.web.access import ADMINISTRATOR, allow
from appliance.web.admin.blueprint import BLUEPRINT
from appliance.web.admin.health_checks import book_of, examined
from appliance.web.language import gettext as _
from appliance.web.services import address, note, of, person, services

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.wrappers import Response as AnyResponse

    from appliance.web.jobs import Job

MAX_SHOWN: Final = 200_000
"""Characters of a file that the page shows; the rest is in the download."""
_FOLDER: Final = "exambox-support/"


@BLUEPRINT.get("/admin/support")
@allow(ADMINISTRATOR)
def support() -> str:
    """Say what a bundle holds and what not, before one is made."""
    return render_template("admin/support.html", about=_about())


@BLUEPRINT.post("/admin/support")
@allow(ADMINISTRATOR)
def support_make() -> AnyResponse:
    """Begin to make a bundle."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001  Flask's documented way
    figures = metrics.render(services()).decode()
    who, where = person().name, address()
    job = services().jobs.start("support", who, lambda job: _make(app, figures, job, who, where))
    return redirect(url_for("admin.support_bundle", number=job.id))


@BLUEPRINT.get("/admin/support/<number>")
@allow(ADMINISTRATOR)
def support_bundle(number: str) -> str:
    """Show how far a bundle is; when it is ready, what is in it."""
    job = _job(number)
    return render_template(
        "admin/support_bundle.html", job=job, about=_about(), section_endpoint="admin.support", name=NAME
    )


@BLUEPRINT.get("/admin/support/<number>/<name>")
@allow(ADMINISTRATOR)
def support_file(number: str, name: str) -> str:
    """Show one file of a finished bundle as it will be sent."""
    job = _job(number)
    if name not in {file["name"] for file in job.result.get("files", [])}:
        raise NotFoundError("That bundle has no such file.")
    with zipfile.ZipFile(job.folder / NAME) as packed:
        text = packed.read(_FOLDER + name).decode("utf-8")
    return render_template(
        "admin/support_file.html",
        job=job, name=name, about=_about().get(name, ""), text=text[:MAX_SHOWN], cut=len(text) > MAX_SHOWN,
        section_endpoint="admin.support",
    )  # fmt: skip


@BLUEPRINT.get("/admin/support/<number>/download")
@allow(ADMINISTRATOR)
def support_download(number: str) -> Response:
    """Send a finished bundle; that it left the box is in the log."""
    job = _job(number)
    if job.state != "done":
        raise NotFoundError("That bundle is not ready.", hint="Wait until it is made.")
    note("support.bundle_downloaded", sha256=job.result["sha256"])
    return send_from_directory(job.folder, NAME, as_attachment=True, max_age=None)


def _job(number: str) -> Job:
    """Return a person's own bundle.

    Raises:
        NotFoundError: there is none of that number, or it was discarded.
    """
    job = services().jobs.find(number, person().name)
    if job.kind != "support":
        raise NotFoundError("There is no such bundle.", hint="Make a new one.")
    return job


def _make(app: Flask, figures: str, job: Job, who: str, where: str) -> dict[str, Any]:
    """Make the bundle, in the job's thread."""
    box = of(app)
    seen = examined(box)
    history = [
        {"at_us": one.at_us, "check": one.name, "before": one.before, "after": one.after, "message": one.message}
        for one in book_of(app).changes()
    ]
    sources = Sources(
        settings=box.settings,
        clock=box.clock,
        checks=lambda: look((*QUICK, *THOROUGH), seen),
        status=box.live.status,
        metrics=lambda: figures,
        history=history,
        machine=seen.machine,
    )
    files = collect(sources, job.progress)
    target = job.folder / NAME
    write_bundle(target, files, box.clock)
    raw = target.read_bytes()
    digest = hashlib.sha256(raw).hexdigest()
    db = connect(box.settings.database)
    try:
        auditlog.append(db, "support.bundle_made", clock=box.clock, who=who, where=where, detail={"sha256": digest})
    finally:
        db.conn.close()
    return {
        "files": [{"name": file.name, "bytes": len(file.text.encode())} for file in files],
        "bytes": len(raw),
        "sha256": digest,
    }


def _about() -> dict[str, str]:
    """Return what each file of a bundle holds, in the reader's language."""
    return {
        "README.txt": _("What is in the bundle and what is not."),
        "doctor.json": _("What the box's own checks found."),
        "settings.json": _("Settings: numbers and choices as they are, texts only as set or not set."),
        "versions.json": _("Versions of software."),
        "hardware.json": _("Machine, memory, temperature, disk; no serial numbers."),
        "units.json": _("How systemd sees the box's services."),
        "cameras.json": _("Cameras under made-up names: kind, state, figures, last changes."),
        "recordings.json": _("How many parts of which state and size, sittings under made-up names."),
        "database.json": _("Migrations, numbers of rows, integrity; accounts by role."),
        "log.json": _("How often which action is in the log; not who or what."),
        "journal.json": _("Last events of the box's services: fixed sentences, numbers, places in the code."),
        "metrics.txt": _("The figures of /metrics."),
        "health.json": _("What changed on the health page."),
    }
