"""The log: who did what, when, from where. Append-only, chained, with signed checkpoints."""
