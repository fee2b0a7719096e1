"""What a candidate's workstation and the box say to each other: codes, calls, messages (pure)."""
