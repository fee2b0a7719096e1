"""Sittings: planning them, the day in the room, the register. For invigilators, centre managers, administrators."""
