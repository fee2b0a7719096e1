"""The USB policy as a file: read, tried on what is plugged in and on real devices, put in force, taken back."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from flask import Response, redirect, render_template, url_for
from msgspec import Meta

from appliance.errors import ApplianceError
from appliance.usb.dry_run import Advice, Row, Trial, advice, dry_run, tally
from appliance.usb.library import library
from appliance.usb.model import Verdict
from appliance.usb.new_rule import By, rule_for
from appliance.usb.policies import MAX_WHY_CHARACTERS, history, keep_policy, policy_in_force, policy_version
from appliance.usb.policies import restore_policy as put_back
from appliance.usb.policy import COMMENT_CHARACTERS
from appliance.usb.policy_file import MAX_POLICY_BYTES, PolicyError, add_rule, read_policy, write_policy
from appliance.usb.seen import seen
from appliance.usb.usbguard import export_rules, import_rules
from appliance.web.access import ADMINISTRATOR, allow
from appliance.web.admin import usb_facts, usb_words
from appliance.web.admin.blueprint import BLUEPRINT
from appliance.web.admin.usb import READERS, SECTION, device_here
from appliance.web.asking import read_form, read_query
from appliance.web.body_limits import takes_up_to
from appliance.web.language import gettext as _
from appliance.web.services import address, database, person, services
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from appliance.usb.policies import InForce
    from appliance.usb.policy import Policy
    from appliance.usb.usbguard import Imported
    from appliance.web.account.pages import Answer

MAX_BODY: Final = 4 * MAX_POLICY_BYTES
"""A file of the longest length as a form sends it, where a character may take three."""
VERSIONS: Final = 20
PolicyText = Annotated[str, Meta(max_length=MAX_POLICY_BYTES)]
Version = Annotated[int, Meta(ge=0, le=2**53)]


class PolicyForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A policy as it was typed: tried, or kept after the version it was made from."""

    text: PolicyText
    do: Literal["try", "keep"] = "try"
    after: Version | None = None
    why: Annotated[str, Meta(max_length=MAX_WHY_CHARACTERS)] = ""


class ImportForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """USBGuard's rules, pasted."""

    rules: PolicyText


class RuleForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule about a device that is plugged in: what it says, and by what the device is known."""

    hash: Annotated[str, Meta(min_length=1, max_length=100)]
    verdict: Verdict
    by: By
    comment: Annotated[str, Meta(max_length=COMMENT_CHARACTERS)] = ""


class PolicyQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which version is looked at; None: the one in force."""

    version: Version | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """What a policy would do: to what is plugged in, to the described devices; what to look at before it is kept."""

    here: tuple[Row, ...]
    described: tuple[Row, ...]
    advice: tuple[Advice, ...]
    diff: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many described devices get which verdict."""
        return {str(verdict): count for verdict, count in tally(self.described).items()}

    @property
    def others(self) -> list[Row]:
        """The described devices it treats otherwise than the policy in force."""
        return [row for row in self.described if row.changes]


@BLUEPRINT.get("/admin/usb/policy")
@allow(*READERS)
def usb_policy() -> str:
    """Show a version of the policy, what it does to what is plugged in, and the versions there were."""
    asked, force = read_query(PolicyQuery), policy_in_force(database())
    text = force.text if asked.version is None else policy_version(database(), asked.version).text
    return _page(force, text, shown=asked.version)


@BLUEPRINT.post("/admin/usb/policy")
@allow(ADMINISTRATOR)
@takes_up_to(MAX_BODY)
def usb_policy_change() -> Answer:
    """Try a policy, or put it in force. What is wrong is told with rule and key, and the typed text is given back."""
    asked, force = read_form(PolicyForm), policy_in_force(database())
    text = asked.text.replace("\r\n", "\n")
    if asked.do == "try":
        return _page(force, text, after=asked.after, typed=True)
    try:
        version = keep_policy(
            database(), text, clock=services().clock, who=person().name, where=address(), why=asked.why.strip(),
            after=asked.after,
        )  # fmt: skip
    except ApplianceError as problem:
        return _page(force, text, problem, after=asked.after, typed=True), problem.status
    tell_next(_("Version %(version)s of the policy is in force. What is plugged in is judged anew.", version=version))
    return redirect(url_for("admin.usb_policy"), 303)


@BLUEPRINT.post("/admin/usb/policy/<int:kept>/restore")
@allow(ADMINISTRATOR)
def usb_policy_restore(kept: int) -> Answer:
    """Put an earlier version in force again, as a new one."""
    version = put_back(database(), kept, clock=services().clock, who=person().name, where=address())
    tell_next(_("That policy is in force again, as version %(version)s.", version=version))
    return redirect(url_for("admin.usb_policy"), 303)


@BLUEPRINT.post("/admin/usb/policy/import")
@allow(ADMINISTRATOR)
@takes_up_to(MAX_BODY)
def usb_policy_import() -> Answer:
    """Turn USBGuard's rules into a policy to look at; nothing is in force yet."""
    force = policy_in_force(database())
    try:
        made = import_rules(read_form(ImportForm).rules.replace("\r\n", "\n"))
    except ApplianceError as problem:
        return _page(force, force.text, problem), problem.status
    return _page(force, write_policy(made.policy), after=force.version, typed=True, imported=made)


@BLUEPRINT.post("/admin/usb/devices/<port>/rule")
@allow(ADMINISTRATOR)
def usb_policy_rule(port: str) -> Answer:
    """Put a rule about a device before all others, to be looked at: nothing is in force yet."""
    asked, force = read_form(RuleForm), policy_in_force(database())
    try:
        rule = rule_for(
            force.policy, device_here(port[:64], asked.hash), verdict=asked.verdict, by=asked.by, comment=asked.comment
        )
        return _page(force, add_rule(force.text, rule), after=force.version, typed=True)
    except ApplianceError as problem:
        return _page(force, force.text, problem), problem.status


@BLUEPRINT.get("/admin/usb/policy.toml")
@allow(*READERS)
def usb_policy_file() -> Response:
    """Give a version of the policy as a file."""
    asked = read_query(PolicyQuery)
    force = policy_in_force(database())
    text = force.text if asked.version is None else policy_version(database(), asked.version).text
    version = force.version if asked.version is None else asked.version
    return _file(text, f"exambox-usb-policy-{version}.toml")


@BLUEPRINT.get("/admin/usb/policy.usbguard")
@allow(*READERS)
def usb_policy_usbguard() -> Response:
    """Give the policy in force, and the devices that belong here, as USBGuard's rules; what is lost stands in it."""
    force = policy_in_force(database())
    belonging = [one.device for one in seen(database()) if one.confirmed_us is not None]
    made = export_rules(force.policy, confirmed=belonging)
    return _file(made.text, "exambox-usbguard-rules.conf")


def _file(text: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(text, content_type="text/plain; charset=utf-8", headers=headers)


def _page(
    force: InForce,
    text: str,
    problem: ApplianceError | None = None,
    *,
    shown: int | None = None,
    after: int | None = None,
    typed: bool = False,
    imported: Imported | None = None,
) -> str:
    tried: Tried | None = None
    try:
        policy = read_policy(text)
        tried = _try(policy, force, text)
    except PolicyError as wrong:
        problem = problem or wrong
    return render_template(
        "admin/usb_policy.html",
        force=force,
        text=text,
        problem=problem,
        shown=shown,
        after=force.version if after is None else after,
        typed=typed,
        tried=tried,
        imported=imported,
        versions=history(database(), limit=VERSIONS),
        words=usb_words,
        section_endpoint=SECTION,
    )


def _try(policy: Policy, force: InForce, text: str) -> Tried:
    look = usb_facts.looking(database(), services())
    armed = msgspec.structs.replace(look.circumstances, mode="armed")
    here = [Trial(device=row.present.device, title=row.name) for row in usb_facts.rows(database(), services())]
    described = [Trial(device=one.device, title=one.title) for one in library()]
    nobody = msgspec.structs.replace(armed, confirmed=frozenset(), let_in=frozenset())
    return Tried(
        here=dry_run(policy, here, armed, in_force=force.policy),
        described=dry_run(policy, described, nobody, in_force=force.policy),
        advice=advice(policy),
        diff=_diff(force.text, text),
    )


def _diff(before: str, after: str) -> tuple[str, ...]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
    return tuple(lines)[2:]
