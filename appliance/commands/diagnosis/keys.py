"""Checks of keys, recipients and the log. They read private keys only to compare, and print none."""

from __future__ import annotations

import contextlib
import stat

from appliance import auditlog
from appliance.commands.diagnosis.result import Check, Examined, read_database
from appliance.errors import MissingKeyError
from appliance.vault.keys import fingerprint, load_box_id, load_device_key, load_device_public, load_recipients

# Which bits nobody but the owner (and for the device key its group) may have; see docs/operator/keys.md.
FORBIDDEN_MODES = {"device.key": 0o037, "review.key": 0o077, "capture.key": 0o077}


def check_keys(examined: Examined) -> list[Check]:
    """The keys are there, and the private device key fits the public one."""
    folder = examined.settings.keys_dir
    if not (folder / "device.pub").exists():
        return [Check("keys", "fail", f"This box has no keys yet ({folder}).", "`exambox keys init` creates them.")]
    public = load_device_public(folder)
    told = f"box {load_box_id(folder)}, device key {fingerprint(public)}"
    missing = [name for name in FORBIDDEN_MODES if not (folder / name).exists()]
    if missing:
        hint = "Restore them from a backup; docs/operator/keys.md says what their loss means."
        return [Check("keys", "fail", f"{told}: {', '.join(missing)} missing.", hint)]
    try:
        private = load_device_key(folder)
    except MissingKeyError as problem:
        return [Check("keys", "warn", f"{told}; {problem.message}", problem.hint)]
    if private.public != public:
        hint = "One of the two files was replaced. Restore both from the same backup."
        return [Check("keys", "fail", f"{told}: device.key and device.pub do not belong together.", hint)]
    return [Check("keys", "ok", told)]


def check_key_modes(examined: Examined) -> list[Check]:
    """No private key is open to those it is not meant for."""
    open_to_others = []
    for name, forbidden in FORBIDDEN_MODES.items():
        with contextlib.suppress(FileNotFoundError):
            mode = stat.S_IMODE((examined.settings.keys_dir / name).stat().st_mode)
            if mode & forbidden:
                open_to_others.append(f"{name} ({mode:04o})")
    if open_to_others:
        hint = "`exambox keys init` as root restores owners and modes. Consider these keys known to others."
        return [Check("key modes", "fail", f"too open: {', '.join(open_to_others)}", hint)]
    return [Check("key modes", "ok", "private keys are closed to others")]


def check_recipients(examined: Examined) -> list[Check]:
    """The list of recipients is signed by this box, and somebody besides the room can read."""
    listed = load_recipients(examined.settings.keys_dir)
    roles = ", ".join(f"{one.label} ({one.role})" for one in listed.recipients)
    told = f"version {listed.version}, signed by this box: {roles}"
    if not examined.settings.box.trial and all(one.role == "review" for one in listed.recipients):
        hint = "If its key is lost, so are the recordings: add an offline escrow with `exambox keys recipients`."
        return [Check("recipients", "warn", f"{told}. Only this room can open its recordings.", hint)]
    return [Check("recipients", "ok", told)]


def check_log(examined: Examined) -> list[Check]:
    """The log is whole."""
    if not examined.settings.database.exists():
        return []
    device = load_device_public(examined.settings.keys_dir)
    with read_database(examined) as db:
        report = auditlog.verify(db, device)
    if report.ok:
        return [Check("log", "ok", f"{report.entries} entries verified, signed up to entry {report.covered}")]
    hint = "`exambox log verify` names every finding. Keep a copy of exambox.db as it is now."
    return [Check("log", "fail", f"{len(report.findings)} findings: {report.findings[0].message}", hint)]
