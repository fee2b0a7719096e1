"""Checks of who gets in: the certificate, and administrators' second factors."""

from __future__ import annotations

import datetime as dt

from appliance.certificates.store import RENEW_DAYS, CertificateStore
from appliance.clock import SECOND_US
from appliance.diagnosis.result import Check, Examined, read_database


def check_certificate(examined: Examined) -> list[Check]:
    """Where the dashboard is offered on the network, its certificate is good for a while."""
    settings = examined.settings
    if not settings.web.lan:
        return [Check("certificate", "ok", "The dashboard is offered on this machine alone; no certificate is needed.")]
    facts = CertificateStore(settings.tls_dir).facts()
    now = dt.datetime.fromtimestamp(examined.clock.wall_us() / SECOND_US, dt.UTC)
    days, day = facts.days_left(now), facts.not_after.date().isoformat()
    if days < 0:
        hint = "Devices refuse or warn: `exambox certs renew` as root, now."
        return [Check("certificate", "fail", f"The certificate ended on {day}.", hint)]
    if days < RENEW_DAYS:
        hint = "`exambox certs renew` as root, or have the centre replace its own."
        return [Check("certificate", "warn", f"The certificate ends on {day}, in {days} days.", hint)]
    return [Check("certificate", "ok", f"The certificate is good until {day}, for {days} days.")]


def check_second_factors(examined: Examined) -> list[Check]:
    """Who can change everything signs in with more than a password."""
    if not examined.settings.database.exists():
        return []
    with read_database(examined) as db:
        count, with_factor = db.conn.execute(
            "SELECT count(*), count(f.account) FROM account a LEFT JOIN second_factor f"
            " ON f.account = a.id AND f.confirmed_us IS NOT NULL"
            " WHERE a.role = 'administrator' AND a.disabled_us IS NULL"
        ).fetchone()
    if not count:
        return [Check("second factors", "warn", "There is no administrator yet.", "Open the dashboard and make one.")]
    if with_factor < count:
        missing = count - with_factor
        hint = "Each sets one up under “Your account”; accounts.require_totp_roles makes it a rule."
        told = f"Administrators who sign in with a password alone: {missing} of {count}."
        # On a trial box, which only this machine reaches, that is how it begins.
        return [Check("second factors", "warn" if examined.settings.web.lan else "ok", told, hint)]
    return [Check("second factors", "ok", "Every administrator has a second factor.")]
