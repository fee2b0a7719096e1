"""Catalogues follow the code and keep what people translated."""

from __future__ import annotations

import io

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from tools.make_texts import differences, missing, renewed, texts_of_the_code


def _catalogue(*texts: str | tuple[str, str], **translated: str) -> Catalog:
    made = Catalog(locale="de", charset="utf-8")
    for text in texts:
        made.add(text, translated.get(text, "") if isinstance(text, str) else ("", ""), locations=[("a.py", 0)])
    return made


def test_translations_stay_new_texts_wait_and_gone_ones_go() -> None:
    """What was translated is kept by its text; nothing is guessed for a new one."""
    kept = _catalogue("Save", "Gone", Save="Sichern", Gone="Weg")
    texts = _catalogue("Save", "Saved", ("%(num)s day", "%(num)s days"))
    assert differences(kept, texts) == ["new: ('%(num)s day', '%(num)s days')", "new: Saved", "gone: Gone"]
    written = read_po(io.BytesIO(renewed(kept, texts).encode()), locale="de")
    assert {str(message.id): message.string for message in written if message.id} == {
        "Save": "Sichern",
        "Saved": "",
        "('%(num)s day', '%(num)s days')": ("", ""),
    }
    assert missing(written) == ["%(num)s day", "Saved"]
    assert differences(written, texts) == []


def test_texts_of_every_sort_are_found() -> None:
    """Templates, scripts, views and errors all speak through the catalogue."""
    texts = texts_of_the_code()
    assert texts.get("Skip to content").locations == [("appliance/web/templates/base.html", 0)]
    assert any(str(place).endswith(".js") for message in texts for place, _ in message.locations)
    assert texts.get("Go back and try again.").locations[0][0] == "appliance/web/problems.py"
    assert texts.get("There is no such page.", "problem") is not None
    assert texts.get("recording was starting", "problem") is not None
    assert texts.get("a part of the recording is not here", "problem") is not None
