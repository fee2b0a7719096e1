"""The room as it is now: live pictures, recording, lock."""
