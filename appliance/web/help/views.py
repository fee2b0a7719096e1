"""The help page with every topic its reader can use, and each topic as a page of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from flask import Blueprint, current_app, render_template, url_for
from markupsafe import Markup
from msgspec import Meta

from appliance.errors import NotFoundError
from appliance.web.access import public, roles_of
from appliance.web.asking import read_query
from appliance.web.help.topics import TOPICS, article, is_written
from appliance.web.language import current_language
from appliance.web.services import person_or_none

if TYPE_CHECKING:
    from appliance.web.help.markup import Article
    from appliance.web.help.topics import Topic

BLUEPRINT = Blueprint(
    "help", __name__, template_folder="templates", static_folder="static", static_url_path="/static/help"
)
_MAX_SEARCH: Final = 100


class Search(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words a topic must hold, all of them."""

    q: Annotated[str, Meta(max_length=_MAX_SEARCH)] = ""


class Shown(msgspec.Struct, frozen=True):
    """One topic as the page shows it."""

    name: str
    title: str
    words: str
    body: Markup


@BLUEPRINT.get("/help")
@public
def index() -> str:
    """Show every topic the reader can use; those without the words searched for are left out."""
    q = read_query(Search).q
    found = [shown for name in _readable() if _fits(article(name, current_language()), q) and (shown := _shown(name))]
    return render_template("help/index.html", topics=found, q=q)


@BLUEPRINT.get("/help/<name>")
@public
def topic(name: str) -> str:
    """Show one topic: what a page's help link opens beside the page."""
    if name not in _readable():
        raise NotFoundError("There is no such topic of help.", hint="The help page lists all there are.")
    return render_template("help/topic.html", topic=_shown(name))


def _shown(name: str) -> Shown:
    found = article(name, current_language())
    return Shown(name=name, title=found.title, words=found.words, body=found.render(_address))


def _fits(found: Article, q: str) -> bool:
    return all(word in found.words for word in q.casefold().split())


def _address(name: str) -> str | None:
    return url_for("help.index") + f"#{name}" if name in _readable() else None


def _readable() -> list[str]:
    """Return the names of the topics the reader can use, in order."""
    person = person_or_none()
    role = person.role if person else None
    return [one.name for one in TOPICS if is_written(one.name) and _may_read(one, role)]


def _may_read(one: Topic, role: str | None) -> bool:
    if one.always:
        return True
    if role is None:
        return False
    return not one.pages or any(_may(page, role) for page in one.pages)


def _may(endpoint: str, role: str) -> bool:
    if endpoint not in current_app.view_functions:
        return False
    roles = roles_of(current_app, endpoint)
    return roles is None or role in roles
