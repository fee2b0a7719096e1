"""Checking the log from its page: a job with progress, and its verdict in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import redirect, render_template, url_for

from appliance import auditlog
from appliance.database import connect
from appliance.errors import ApplianceError, NotFoundError
from appliance.vault.device_key import load_device_public
from appliance.web.access import allow
from appliance.web.admin import log_words
from appliance.web.admin.blueprint import BLUEPRINT
from appliance.web.admin.log_pages import LOG_READERS
from appliance.web.services import address, person, services

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from appliance.web.jobs import Job
    from appliance.web.services import Services

KIND = "log"
FINDINGS_SHOWN = 50


@BLUEPRINT.post("/admin/log/checks")
@allow(*LOG_READERS)
def log_check_start() -> Response:
    """Begin to check the whole log."""
    box, who, where = services(), person().name, address()
    job = box.jobs.start(KIND, who, lambda job: check(box, job, who=who, where=where))
    return redirect(url_for("admin.log_check", number=job.id), 303)


@BLUEPRINT.get("/admin/log/checks/<number>")
@allow(*LOG_READERS)
def log_check(number: str) -> str:
    """Show how far a person's own check is, and what it found.

    Raises:
        NotFoundError: there is none, or it is somebody else's.
    """
    job = services().jobs.find(number, person().name)
    if job.kind != KIND:
        raise NotFoundError("There is no such check of the log.")
    return render_template("admin/log_check.html", job=job, words=log_words, section_endpoint="admin.log")


def check(box: Services, job: Job, *, who: str, where: str) -> dict[str, Any]:
    """Check the log against itself and the device key; the check is an entry of the log.

    Without a readable device key, signatures are not checked, and the result says so.
    """
    try:
        key: bytes | None = load_device_public(box.settings.keys_dir)
    except ApplianceError:
        key = None
    db = connect(box.settings.database)
    try:
        report = auditlog.verify(db, key, progress=job.progress)
        detail = {"ok": report.ok, "entries": report.entries, "findings": len(report.findings)}
        auditlog.append(db, "log.verified", clock=box.clock, who=who, where=where, detail=detail)
    finally:
        db.conn.close()
    return {
        "ok": report.ok,
        "entries": report.entries,
        "checkpoints": report.checkpoints,
        "covered": report.covered,
        "erased": report.erased,
        "signatures_checked": report.signatures_checked,
        "head": report.head.hex(),
        "findings": [
            {"code": one.code, "seq": one.seq, "message": one.message} for one in report.findings[:FINDINGS_SHOWN]
        ],
        "left_out": max(0, len(report.findings) - FINDINGS_SHOWN),
    }
