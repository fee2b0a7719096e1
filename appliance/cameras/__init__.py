"""Which cameras the box has and what is wished of them: settings rows, sealed credentials, wishes to record."""
