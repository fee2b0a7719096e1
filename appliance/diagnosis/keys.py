"""Checks of keys, recipients and the log. They read private keys only to compare, and print none."""

from __future__ import annotations

import contextlib
import stat

from appliance import auditlog
from appliance.auditlog.entry import read_body
from appliance.clock import SECOND_US
from appliance.diagnosis.result import Check, Examined, read_database
from appliance.errors import MissingKeyError
from appliance.vault.keys import fingerprint, load_box_id, load_device_key, load_device_public, load_recipients

# Which bits nobody but the owner (and for the device key its group) may have; see docs/operator/keys.md.
UNSIGNED_MINUTES = 15
"""Capture signs the log every `vault.checkpoint_seconds`, five minutes at most; older unsigned ones are a finding."""
FORBIDDEN_MODES = {"device.key": 0o037, "review.key": 0o077, "capture.key": 0o077, "exchange.key": 0o037}
MADE_ANEW = {"exchange.key"}
"""A box of before there were integrations lacks it; nothing that was recorded hangs on it."""


def check_keys(examined: Examined) -> list[Check]:
    """The keys are there, and the private device key fits the public one."""
    folder = examined.settings.keys_dir
    if not (folder / "device.pub").exists():
        return [Check("keys", "fail", f"This box has no keys yet ({folder}).", "`exambox keys init` creates them.")]
    public = load_device_public(folder)
    box, device = load_box_id(folder), fingerprint(public)
    lacking = [name for name in FORBIDDEN_MODES if not (folder / name).exists()]
    missing = ", ".join(name for name in lacking if name not in MADE_ANEW)
    if missing:
        hint = "Restore them from a backup; docs/operator/keys.md says what their loss means."
        return [Check("keys", "fail", f"box {box}, device key {device}: {missing} missing.", hint)]
    try:
        private = load_device_key(folder)
    except MissingKeyError as problem:
        if examined.privileged:
            return [Check("keys", "warn", f"box {box}, device key {device}; {problem.message}", problem.hint)]
    else:
        if private.public != public:
            hint = "One of the two files was replaced. Restore both from the same backup."
            told = f"box {box}, device key {device}: device.key and device.pub do not belong together."
            return [Check("keys", "fail", told, hint)]
    if lacking:
        told = f"box {box}, device key {device}: {', '.join(lacking)} missing; no LMS can be connected."
        return [Check("keys", "warn", told, "`exambox keys init` as root makes it.")]
    return [Check("keys", "ok", f"box {box}, device key {device}")]


def check_key_modes(examined: Examined) -> list[Check]:
    """No private key is open to those it is not meant for."""
    open_to_others = []
    for name, forbidden in FORBIDDEN_MODES.items():
        with contextlib.suppress(FileNotFoundError):
            mode = stat.S_IMODE((examined.settings.keys_dir / name).stat().st_mode)
            if mode & forbidden:
                open_to_others.append(f"{name} ({mode:04o})")
    if open_to_others:
        names = ", ".join(open_to_others)
        hint = "`exambox keys init` as root restores owners and modes. Consider these keys known to others."
        return [Check("key modes", "fail", f"too open: {names}", hint)]
    return [Check("key modes", "ok", "private keys are closed to others")]


def check_recipients(examined: Examined) -> list[Check]:
    """The list of recipients is signed by this box, and somebody besides the room can read."""
    listed = load_recipients(examined.settings.keys_dir)
    roles = ", ".join(f"{one.label} ({one.role})" for one in listed.recipients)
    if not examined.settings.box.trial and all(one.role == "review" for one in listed.recipients):
        hint = "If its key is lost, so are the recordings: add an offline escrow with `exambox keys recipients`."
        told = f"version {listed.version}, signed by this box: {roles}. Only this room can open its recordings."
        return [Check("recipients", "warn", told, hint)]
    return [Check("recipients", "ok", f"version {listed.version}, signed by this box: {roles}")]


def check_log(examined: Examined) -> list[Check]:
    """The log is whole."""
    if not examined.settings.database.exists():
        return []
    device = load_device_public(examined.settings.keys_dir)
    with read_database(examined) as db:
        report = auditlog.verify(db, device)
    if report.ok:
        return [Check("log", "ok", f"{report.entries} entries verified, signed up to entry {report.covered}")]
    count, first = len(report.findings), report.findings[0].message
    hint = "`exambox log verify` names every finding. Keep a copy of exambox.db as it is now."
    return [Check("log", "fail", f"{count} findings: {first}", hint)]


def check_checkpoint(examined: Examined) -> list[Check]:
    """What is in the log is signed soon: nobody could take its end away unseen."""
    if not examined.settings.database.exists():
        return []
    now = examined.clock.wall_us()
    with read_database(examined) as db:
        row = db.conn.execute("SELECT seq FROM log_checkpoint ORDER BY id DESC LIMIT 1").fetchone()
        first = db.conn.execute(
            "SELECT body FROM log_entry WHERE seq > ? ORDER BY seq LIMIT 1", (row[0] if row else 0,)
        ).fetchone()
    if first is None:
        return [Check("checkpoint", "ok", "every entry of the log is signed")]
    at_us = (read_body(first[0]) or {}).get("at_us")
    minutes = (now - at_us) // (60 * SECOND_US) if isinstance(at_us, int) else 0
    if minutes <= UNSIGNED_MINUTES:
        return [Check("checkpoint", "ok", "the log is signed but for its newest entries")]
    hint = "The capture process signs it: does it run, and may it read device.key?"
    return [Check("checkpoint", "warn", f"the log has had entries for {minutes} min that nobody signed.", hint)]
