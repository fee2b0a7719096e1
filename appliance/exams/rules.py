"""What candidates may use and do, as the LMS's ``rules`` say it, with the defaults of its interface."""

from __future__ import annotations

from typing import Annotated

import msgspec


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What is allowed in an exam; names and defaults are the LMS's."""

    allow_to_use_paper: bool = True
    allow_to_use_calculator: bool = True
    allow_to_use_websites: bool = False
    allow_to_use_books: bool = False
    allow_to_use_messengers: bool = False
    allow_to_use_excel: bool = False
    allow_to_use_human_assistant: bool = False
    allow_absence_in_frame: bool = False
    allow_voices: bool = False
    allow_wrong_gaze_direction: bool = False
    custom_rules: Annotated[str, msgspec.Meta(max_length=20_000)] = ""

    def allowed(self) -> tuple[str, ...]:
        """Return the names of what is allowed, without ``allow_to_use_`` or ``allow_``, in a fixed order."""
        return tuple(name for name, value in self._switches() if value)

    def forbidden(self) -> tuple[str, ...]:
        """Return the names of what is not allowed, in a fixed order."""
        return tuple(name for name, value in self._switches() if not value)

    def _switches(self) -> list[tuple[str, bool]]:
        return [
            (field.removeprefix("allow_").removeprefix("to_use_"), bool(getattr(self, field)))
            for field in self.__struct_fields__
            if field.startswith("allow_")
        ]
