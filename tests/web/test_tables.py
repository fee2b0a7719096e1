"""Tables people take away."""

from __future__ import annotations

import csv
import io
import json

from hypothesis import given
from hypothesis import strategies as st

from appliance.web.tables import csv_lines, json_lines, neutral

CELLS = st.one_of(st.none(), st.integers(), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=6))
def test_a_table_reads_back_and_no_cell_is_a_formula(rows: list[list[object]]) -> None:
    """Every cell comes back as text that begins harmlessly; numbers come back as they were."""
    text = "".join(csv_lines(["a", "b"], rows))
    assert text.startswith("\ufeffa,b\r\n")
    found = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))[1:]
    assert found == [[neutral(cell) for cell in row] for row in rows]
    for row, cells in zip(rows, found, strict=True):
        for value, cell in zip(row, cells, strict=True):
            if isinstance(value, int):
                assert cell == str(value)
            else:
                assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_each_line_is_one_object() -> None:
    """Line breaks inside of values do not break lines."""
    rows = [{"a": "x\ny"}, {"a": "ä"}]
    assert [json.loads(line) for line in "".join(json_lines(rows)).splitlines()] == rows
