"""PROCESS holds the review key while unlocked and unwraps one part key at a time, each use logged."""
