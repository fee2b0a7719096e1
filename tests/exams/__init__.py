"""The domain: exams, sittings, time, register, score, rosters."""
