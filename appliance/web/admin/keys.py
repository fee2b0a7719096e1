"""Keys and recipients: who can open what is recorded, lock and unlock, and how a recipient is added at the console.

Nothing here changes who can open recordings. Whoever takes the dashboard over must not be able to make themselves a
reader of what is recorded from then on, so the list is changed by root at the console; this page checks a key file
and gives the command.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from flask import redirect, render_template, request, url_for

from appliance.errors import ApplianceError, BadInputError, ConflictError
from appliance.vault.keys import fingerprint, load_recipients
from appliance.vault.recipient_files import holds_private_key, parse_public_file
from appliance.vault.recipients import MAX_RECIPIENTS
from appliance.vault.review_key import MAX_PASSPHRASE
from appliance.web.access import ADMINISTRATOR, AUDITOR, CENTRE_MANAGER, allow
from appliance.web.admin.blueprint import BLUEPRINT
from appliance.web.admin.key_facts import key_facts, purpose_words, role_name, role_words
from appliance.web.admin.log_words import action_words
from appliance.web.asking import read_form
from appliance.web.language import gettext as _
from appliance.web.services import database, person, services
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from appliance.vault.recipients import Recipient, RecipientsList
    from appliance.web.account.pages import Answer

MAX_KEY_FILE: Final = 16 * 1024
READERS: Final = (ADMINISTRATOR, CENTRE_MANAGER, AUDITOR)
_PLAIN_NAME = re.compile(r"[\w@+][\w.@+ -]{0,120}", re.ASCII)


class UnlockForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The passphrase; empty where the box may unlock itself."""

    passphrase: Annotated[str, msgspec.Meta(max_length=MAX_PASSPHRASE)] = ""


class LockForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing is asked."""


class CheckForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the key in the uploaded file is for."""

    role: Literal["auditor", "escrow"] = "auditor"


@BLUEPRINT.get("/admin/keys")
@allow(*READERS)
def keys() -> str:
    """Show who can open recordings, how the review key stands, and who used it."""
    return _page()


@BLUEPRINT.post("/admin/keys/unlock")
@allow(ADMINISTRATOR, CENTRE_MANAGER)
def keys_unlock() -> Answer:
    """Unlock the review key; the keyring checks, throttles and logs."""
    form = read_form(UnlockForm)
    try:
        services().keyring.unlock(form.passphrase or None, person().name)
    except ApplianceError as problem:
        return _page(unlock_problem=problem), problem.status
    tell_next(_("The review key is unlocked: recordings can be played back."))
    return redirect(url_for("admin.keys"))


@BLUEPRINT.post("/admin/keys/lock")
@allow(ADMINISTRATOR, CENTRE_MANAGER)
def keys_lock() -> Answer:
    """Lock the review key; recording and live pictures go on."""
    read_form(LockForm)
    services().keyring.lock(person().name)
    tell_next(_("The review key is locked: nothing is played back until somebody unlocks it."))
    return redirect(url_for("admin.keys"))


@BLUEPRINT.post("/admin/keys/check")
@allow(ADMINISTRATOR)
def keys_check() -> Answer:
    """Check an auditor's public key file and say how it is added; nothing is kept."""
    form = read_form(CheckForm)
    try:
        recipient, name = _uploaded(form.role)
        listed = load_recipients(services().settings.keys_dir)
        _check_fits(recipient, listed)
    except ApplianceError as problem:
        return _page(check_problem=problem), problem.status
    return render_template(
        "admin/key_check.html",
        recipient=recipient,
        fingerprint=fingerprint(recipient.public),
        role=role_name(recipient.role),
        role_about=role_words(recipient.role),
        command_line=add_command(recipient, name),
        named=_is_plain(name),
        section_endpoint="admin.keys",
    )


def _uploaded(role: Literal["auditor", "escrow"]) -> tuple[Recipient, str]:
    """Return the recipient of the uploaded file, and the file's name.

    Raises:
        BadInputError: no file, too large, a private key, or no usable public key.
    """
    file = request.files.get("file")
    name = (file.filename or "").replace("\\", "/").rpartition("/")[2] if file else ""
    if file is None or not name:
        raise BadInputError("Choose a public key file first.", hint="`exambox keys recipients new` makes one.")
    raw = file.stream.read(MAX_KEY_FILE + 1)
    if len(raw) > MAX_KEY_FILE:
        raise BadInputError("This file is too large for a public key.", hint="It holds a few thousand characters.")
    if holds_private_key(raw):
        raise BadInputError(
            "This is a private key file. It was not kept, but it has left its owner: do not use this pair.",
            hint="Have a new pair made, and give the box the file that ends in .public.json.",
        )
    label = None if '"label"' in raw[:MAX_KEY_FILE].decode("utf-8", "replace") else name.partition(".")[0][:80]
    return parse_public_file(raw, name[:80], label=label, role=role), name


def _check_fits(recipient: Recipient, listed: RecipientsList) -> None:
    """Refuse what the console would refuse.

    Raises:
        ConflictError: the key is in the list, the list is full, or the box seals with another suite.
    """
    if any(one.key_id == recipient.key_id for one in listed.recipients):
        raise ConflictError(f"The key {recipient.key_id} is in the list already.", hint="Nothing has to be done.")
    if len(listed.recipients) >= MAX_RECIPIENTS:
        raise ConflictError(f"The list is full: {MAX_RECIPIENTS} recipients.", hint="Remove one first.")
    suite = listed.review.suite
    if recipient.suite != suite:
        raise ConflictError(
            f"This key is of the suite {recipient.suite}; this box seals with {suite}.",
            hint=f"Have a new pair made: `exambox keys recipients new NAME --suite {suite} --out FOLDER`.",
        )


def add_command(recipient: Recipient, name: str) -> str:
    """Return what root types at the console; a label or file name cannot break out of it (pure).

    It never says ``--yes``: the console shows the fingerprint, and a person compares it there.
    """
    file = name if _is_plain(name) else "FILE"
    words = ["exambox", "keys", "recipients", "add", "--role", recipient.role, "--label", recipient.label, file]
    return shlex.join(words)


def _is_plain(name: str) -> bool:
    return bool(_PLAIN_NAME.fullmatch(name))


def _page(*, unlock_problem: ApplianceError | None = None, check_problem: ApplianceError | None = None) -> str:
    box = services()
    return render_template(
        "admin/keys.html",
        facts=key_facts(box, database()),
        trial=box.settings.box.trial,
        unlocks_itself=box.settings.unlocks_itself,
        idle_minutes=box.settings.keys.idle_lock_minutes,
        suite=box.settings.vault.suite,
        keys_dir=shlex.quote(str(box.settings.keys_dir)),
        unlock_problem=unlock_problem,
        check_problem=check_problem,
        role_name=role_name,
        role_words_of=role_words,
        purpose_words=purpose_words,
        action_words=action_words,
        section_endpoint="admin.keys",
    )
