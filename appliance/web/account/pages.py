"""What the account pages share: a form with its problem, the password rule in words, the QR picture."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import segno
from flask import Response, render_template, request

from appliance.web.account.blueprint import BLUEPRINT
from appliance.web.account.browsers import browser_words
from appliance.web.account.passwords import Policy, policy_of
from appliance.web.account.throttle import ThrottledError
from appliance.web.language import gettext as _
from appliance.web.refusals import note_refusal
from appliance.web.services import services

if TYPE_CHECKING:
    from flask_wtf import FlaskForm

    from appliance.errors import ApplianceError

Answer = Any
_GROUP = 4


def form_page(template: str, form: FlaskForm, problem: ApplianceError | None, **values: Any) -> Answer:
    """Render a form: 200 when it is empty, 422 where fields are wrong, the problem's own status otherwise."""
    status = problem.status if problem else 422 if form.errors else 200
    if problem:
        note_refusal(status, problem.code)
    answer_headers = {"Retry-After": str(problem.wait_seconds)} if isinstance(problem, ThrottledError) else {}
    return render_template(f"account/{template}", form=form, problem=problem, **values), status, answer_headers


def policy() -> Policy:
    """Return what this box asks of a new password."""
    return policy_of(services().settings.accounts)


def policy_words() -> str:
    """Return what a new password must have, as one line under the field."""
    asked = policy()
    names = {
        "upper": _("an upper-case letter"),
        "lower": _("a lower-case letter"),
        "digit": _("a digit"),
        "symbol": _("a symbol"),
    }
    wanted = [words for name, words in names.items() if name in asked.classes]
    if not wanted:
        return _("At least %(count)s characters. Several words that do not belong together work well.",
                 count=asked.min_length)  # fmt: skip
    return _("At least %(count)s characters, with %(wanted)s.", count=asked.min_length, wanted=", ".join(wanted))


def browser() -> str:
    """Return the asking browser's name for the list of sessions."""
    return browser_words(request.headers.get("User-Agent", ""))


def qr_picture(address: str) -> Response:
    """Return an address as a QR code: an SVG that no browser or proxy keeps."""
    drawn = io.BytesIO()
    segno.make(address, error="m", micro=False).save(drawn, kind="svg", scale=6, border=3, dark="#000", light="#fff")
    return Response(drawn.getvalue(), content_type="image/svg+xml", headers={"Cache-Control": "no-store"})


@BLUEPRINT.app_template_filter("groups")
def in_groups(text: str) -> str:
    """Return a long secret in groups of four, as people read and type it."""
    return " ".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))
