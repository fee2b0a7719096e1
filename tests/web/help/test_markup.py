"""What a topic's file may hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import ApplianceError
from appliance.web.help.markup import ELEMENTS, HelpMarkupError, parse

HEAD = "<h2>Words</h2>"


@pytest.mark.parametrize(
    "source",
    [
        "",
        "<p>No heading first</p>",
        "<h2></h2>",
        f"{HEAD}{HEAD}",
        f"{HEAD}words outside",
        f"{HEAD}<p>not closed",
        f"{HEAD}<p><em>crossed</p></em>",
        f"{HEAD}</p>",
        f"{HEAD}<script>x</script>",
        f"{HEAD}<img src='/x'>",
        f"{HEAD}<p style='color: red'>x</p>",
        f"{HEAD}<p onclick='x'>x</p>",
        f"{HEAD}<p id='x'>x</p>",
        f"{HEAD}<h3 id='Up'>x</h3>",
        f"{HEAD}<h3 id='a'>x</h3><h3 id='a'>x</h3>",
        f"{HEAD}<p><a href='https://example.org'>x</a></p>",
        f"{HEAD}<p><a href='//example.org'>x</a></p>",
        f"{HEAD}<p><a href='/admin'>x</a></p>",
        f"{HEAD}<p><a href='javascript:x'>x</a></p>",
        f"{HEAD}<p><a href='#a' target='_blank'>x</a></p>",
        f"{HEAD}<p><a href='#a'>x<a href='#b'>y</a></a></p>",
        f"{HEAD}<!-- a note -->",
        f"<!doctype html>{HEAD}",
        f"{HEAD}<?php x ?>",
        f"{HEAD}<![CDATA[x]]>",
    ],
)
def test_what_is_not_on_the_list_is_refused(source: str) -> None:
    """Scripts, styles, attributes, other addresses, comments and broken nesting make no article."""
    with pytest.raises(HelpMarkupError):
        parse(source)


def test_an_article_knows_its_title_words_links_anchors_and_keys() -> None:
    """What tests and searching need is read from the file itself."""
    found = parse(
        f'{HEAD}<p>See <a href="#other">the Other &amp; more</a>: <kbd>M</kbd></p>'
        '<h3 id="words-a">A</h3><p><kbd>←</kbd></p>'
    )
    assert found.title == "Words"
    assert found.words == "words see the other & more: m a ←"
    assert found.links == {"other"}
    assert found.anchors == {"words-a"}
    assert found.keys == (("", "M"), ("words-a", "←"))


def test_links_lead_where_the_reader_may_go() -> None:
    """A topic the reader cannot have is named without a link."""
    found = parse(f'{HEAD}<p><a href="#yes">One</a> <a href="#no">Two</a></p>')
    shown = found.render({"yes": "/help#yes"}.get)
    assert shown == '<h2>Words</h2><p><a href="/help#yes" data-help="yes">One</a> Two</p>'


@given(st.text(max_size=60))
def test_whatever_words_stay_words(words: str) -> None:
    """Text of a topic is shown as text, whatever it holds, or the file is refused."""
    from html import escape

    shown = parse(f"{HEAD}<p>{escape(words)}</p>").render(lambda _: None)
    assert shown.count("<") == 4


@given(st.text(alphabet="<>/ abp&;!-?h2=\"'#\n", max_size=80))
def test_no_file_brings_in_another_element(source: str) -> None:
    """Any file is refused, or shows elements of the list alone."""
    import re

    try:
        shown = parse(HEAD + source).render(lambda name: f"/help#{name}")
    except ApplianceError:
        return
    assert set(re.findall(r"</?([a-z0-9]+)", shown)) <= ELEMENTS
