"""The log: who did what, when, from where. Append-only, chained, with signed checkpoints.

`docs/log-format.md` is normative. This is the record for auditors; the technical journal is `appliance.log`.
"""

from appliance.auditlog.actions import ACTIONS
from appliance.auditlog.append import append, log_vault_checkpoints, open_log_head
from appliance.auditlog.checkpoint import checkpoint
from appliance.auditlog.erase import erase_person
from appliance.auditlog.line import LogLine
from appliance.auditlog.show import show
from appliance.auditlog.verify import Finding, LogReport, verify

__all__ = [
    "ACTIONS",
    "Finding",
    "LogLine",
    "LogReport",
    "append",
    "checkpoint",
    "erase_person",
    "log_vault_checkpoints",
    "open_log_head",
    "show",
    "verify",
]
