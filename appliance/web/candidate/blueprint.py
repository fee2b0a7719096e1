"""The blueprint of the candidate's pages, and the addresses that are the candidate's alone."""

from __future__ import annotations

from typing import Final

from flask import Blueprint

BLUEPRINT = Blueprint(
    "candidate", __name__, template_folder="templates", static_folder="static", static_url_path="/static/candidate"
)
PAGES: Final = "/exam"
"""Every page of a candidate lies below this; the ticket is sent to nothing else."""
