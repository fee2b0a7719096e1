"""Texts in the language of the person who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import g, has_request_context, request
from markupsafe import escape

from appliance.web.cookie_names import cookie_name
from appliance.web.language.catalogue import SOURCE_LANGUAGE, translations
from appliance.web.language.choice import choose_language

if TYPE_CHECKING:
    from flask import Flask

LANGUAGE_COOKIE = "exambox_language"


def install(app: Flask, *, default: str) -> None:
    """Teach the application's templates `gettext` and `ngettext`, and remember the box's own language."""
    app.extensions["exambox-language"] = default
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        lambda text: translations(current_language()).ugettext(text),
        lambda one, many, count: translations(current_language()).ungettext(one, many, count),
        newstyle=True,
    )


def current_language() -> str:
    """Return the code of the language this request is answered in; English outside of requests."""
    if not has_request_context():
        return SOURCE_LANGUAGE
    if "language" not in g:
        from flask import current_app  # noqa: PLC0415  only inside a request

        g.language = choose_language(
            request.cookies.get(cookie_name(LANGUAGE_COOKIE)),
            list(request.accept_languages.values()),
            str(current_app.extensions.get("exambox-language", SOURCE_LANGUAGE)),
        )
    return str(g.language)


def gettext(text: str, /, **values: Any) -> str:
    """Return a text in the reader's language, its ``%(name)s`` filled in; a plain ``%`` is written ``%%``."""
    return str(translations(current_language()).ugettext(text)) % values


class LazyText:
    """A text that is looked up each time it is shown: for labels that exist before anybody asks."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return gettext(self._text)

    def within(self, language: str) -> str:
        """Return it in a language by its code: for what is said after the request that knew it."""
        return str(translations(language).ugettext(self._text))

    def __html__(self) -> str:
        return str(escape(str(self)))

    def __mod__(self, values: dict[str, Any]) -> str:
        """Fill values in, as WTForms does with its validators' messages."""
        return str(translations(current_language()).ugettext(self._text)) % values


def lazy_gettext(text: str) -> Any:
    """Return a text for a form's label or another value made at import; it reads itself in the reader's language."""
    return LazyText(text)


def ngettext(one: str, many: str, count: int, /, **values: Any) -> str:
    """Return the plural form that fits ``count``, which is also the value ``%(num)s``."""
    return str(translations(current_language()).ungettext(one, many, count)) % {"num": count, **values}
