"""Seat agents as rows: the codes they join by, which there are, what they reported."""
