"""Figures of tests in a machine, for the end of ``make test-vm``: they are told, not held to a limit."""

FIGURES: list[str] = []
