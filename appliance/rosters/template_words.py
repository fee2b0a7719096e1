"""What the templates say: heads, what each column means, and example rows, a language each.

The heads are among those the domain recognises; a test compares them.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

Subject = Literal["roster", "seating"]
Language = Literal["en", "de"]


class Column(msgspec.Struct, frozen=True):
    """A column: its head, what belongs there, and the examples' cells from the first row down."""

    head: str
    meaning: str
    examples: tuple[str, ...]


COLUMNS: Final[dict[tuple[Subject, Language], tuple[Column, ...]]] = {
    ("roster", "en"): (
        Column("Candidate number", "Needed. Each candidate once; leading zeros are kept.", ("0004711", "0004712")),
        Column("Last name", "", ("Löwe", "Ng")),
        Column("First name", "", ("Ada", "Minh")),
        Column("Exam", "The exam's id. Needed where the sitting has more than one exam.", ("M-1", "M-1")),
        Column("Extra time", "Planned extra time: 25 %, 30 min, or 25 % + 10 min.", ("25 %", "")),
        Column("E-mail", "", ("ada@example.org", "")),
        Column("Language", "A code such as en or de-ch.", ("de", "en")),
        Column("Accommodations", "What invigilators have to know.", ("Screen magnifier", "")),
    ),
    ("roster", "de"): (
        Column("Matrikelnummer", "Nötig. Jede Person einmal; führende Nullen bleiben.", ("0004711", "0004712")),
        Column("Nachname", "", ("Löwe", "Ng")),
        Column("Vorname", "", ("Ada", "Minh")),
        Column("Prüfung", "Kennung der Prüfung. Nötig, wenn der Termin mehr als eine hat.", ("M-1", "M-1")),
        Column("Zeitzugabe", "Geplante Zugabe: 25 %, 30 min oder 25 % + 10 min.", ("25 %", "")),
        Column("E-Mail", "", ("ada@example.org", "")),
        Column("Sprache", "Ein Kürzel wie en oder de-ch.", ("de", "en")),
        Column("Besonderheiten", "Was die Aufsicht wissen muss.", ("Bildschirmlupe", "")),
    ),
    ("seating", "en"): (
        Column("Seat", "Needed. Each seat once.", ("A1", "A2", "B1")),
        Column("Candidate number", "As on the roster; empty for a seat that stays empty.", ("0004711", "0004712", "")),
        Column("Row", "Counted from 1, from the front.", ("1", "1", "2")),
        Column("Column", "Counted from 1, from the left.", ("1", "2", "1")),
        Column("Cameras", "Ids of the cameras that see the seat, separated by spaces.", ("", "", "")),
    ),
    ("seating", "de"): (
        Column("Platz", "Nötig. Jeder Platz einmal.", ("A1", "A2", "B1")),
        Column(
            "Matrikelnummer",
            "Wie in der Teilnehmerliste; leer, wenn der Platz frei bleibt.",
            ("0004711", "0004712", ""),
        ),
        Column("Reihe", "Ab 1 gezählt, von vorn.", ("1", "1", "2")),
        Column("Spalte", "Ab 1 gezählt, von links.", ("1", "2", "1")),
        Column("Kameras", "Kennungen der Kameras, die den Platz sehen, durch Leerzeichen getrennt.", ("", "", "")),
    ),
}
FILE_NAMES: Final[dict[tuple[Subject, Language], tuple[str, str]]] = {
    ("roster", "en"): ("roster", "roster-example"),
    ("roster", "de"): ("teilnehmerliste", "teilnehmerliste-beispiel"),
    ("seating", "en"): ("seating-plan", "seating-plan-example"),
    ("seating", "de"): ("sitzplan", "sitzplan-beispiel"),
}
SEPARATORS: Final[dict[Language, str]] = {"en": ",", "de": ";"}
"""What spreadsheet programs of the language split a CSV file at when it is opened by a double click."""
