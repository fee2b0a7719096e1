"""Tables people bring: CSV and XLSX files as plain texts, and the templates they may start from.

Nothing here knows what a roster means. ``sheets.read_table`` gives cells, whoever calls it hands them to the domain
(``exams.roster``, ``exams.seating``). Pure: bytes in, values out.
"""
