"""The box's small rows: wishes, facts and what people did. Recordings are in ``vault/``, not here."""

from appliance.database.connection import connect, joined, write
from appliance.database.migrations import migrate, open_box_database
from appliance.database.watch import ChangeWatch

__all__ = ["ChangeWatch", "connect", "joined", "migrate", "open_box_database", "write"]
