"""How devices come to trust the box (for everybody), and the administration's page about certificate and network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, render_template, request

from appliance.certificates.files import FORMS, ca_file
from appliance.certificates.hints import HINTS, grouped, likely_systems
from appliance.certificates.store import RENEW_DAYS, CertificateStore
from appliance.errors import NotFoundError
from appliance.web.access import public
from appliance.web.certificate_facts import certificate_or_none
from appliance.web.lan.runner import neighbours
from appliance.web.metrics import now_of
from appliance.web.services import services

if TYPE_CHECKING:
    from typing import Any

    from appliance.certificates.store import CertificateFacts
    from appliance.web.lan.announcement import Neighbour

BLUEPRINT = Blueprint(
    "lan", __name__, template_folder="templates", static_folder="static", static_url_path="/static/lan"
)


@BLUEPRINT.get("/certificate")
@public
def certificate() -> str:
    """Say what a browser's warning means, and how this device is made to trust the box."""
    facts = certificate_or_none(services())
    systems = likely_systems(request.user_agent.string)
    return render_template(
        "lan/certificate.html",
        facts=facts,
        fingerprint=grouped(facts.ca_sha256) if facts and facts.ca_sha256 else "",
        hints=sorted(HINTS, key=lambda hint: systems.index(hint.system) if hint.system in systems else len(systems)),
        systems=systems,
        files={form: name for form, (name, _) in FORMS.items()},
    )


@BLUEPRINT.get("/certificate/<filename>")
@public
def authority(filename: str) -> Response:
    """Send the authority's certificate in the form a device takes; it is no secret."""
    form = next((form for form, (name, _) in FORMS.items() if name == filename), None)
    if form is None:
        raise NotFoundError("There is no such page.")
    data = ca_file(CertificateStore(services().settings.tls_dir).authority_certificate(), form)
    # An iPad installs a profile it is shown, and only keeps one it is made to download.
    kind = "inline" if form == "mobileconfig" else "attachment"
    headers = {"Content-Disposition": f'{kind}; filename="{filename}"'}
    return Response(data, content_type=FORMS[form][1], headers=headers)


def _is_this(one: Neighbour, facts: CertificateFacts | None) -> bool:
    """Whether an announcement claims to be of this box; only for a mark beside it."""
    own = (facts.ca_sha256 or facts.sha256) if facts else ""
    return bool(one.fingerprint) and own.startswith(one.fingerprint)


def facts_for_page() -> dict[str, Any]:
    """Return what the administration's page shows."""
    box = services()
    facts = certificate_or_none(box)
    days = facts.days_left(now_of(box)) if facts else None
    return {
        "facts": facts,
        "days_left": days,
        "kind": "" if days is None else "bad" if days < 0 else "warn" if days < RENEW_DAYS else "good",
        "renew_days": RENEW_DAYS,
        "sha256": grouped(facts.sha256) if facts else "",
        "ca_sha256": grouped(facts.ca_sha256) if facts and facts.ca_sha256 else "",
        "lan": box.settings.web.lan,
        "https_port": box.settings.web.https_port,
        "boxes": [(one, grouped(one.fingerprint), _is_this(one, facts)) for one in neighbours()],
        "announced": box.settings.web.lan and box.settings.web.announce,
    }
