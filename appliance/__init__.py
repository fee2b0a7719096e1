"""Exambox: the box that stands in an exam room. The tree's plan is ARCHITECTURE.md."""

__version__ = "0.1.0"
