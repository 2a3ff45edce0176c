"""Why a statement was refused, and where in its text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Place:
    """A part of the text: offsets of its first and last character, from 0."""

    start: int
    stop: int


class Refused(Exception):
    """The statement may not run. `construct` says what about it, in a word or two."""

    def __init__(self, construct: str, message: str, place: Place | None = None) -> None:
        super().__init__(message)
        self.construct = construct
        self.message = message
        self.place = place

    def describe(self, text: str) -> dict[str, Any]:
        """Construct, line and column (from 1) and the words themselves, as details of an error."""
        return {"construct": self.construct, **locate(text, self.place)}


def locate(text: str, place: Place | None) -> dict[str, Any]:
    """Line and column, from 1, of a place; nothing where it is not known."""
    if place is None or not 0 <= place.start <= len(text):
        return {}
    before = text[: place.start]
    return {
        "line": before.count("\n") + 1,
        "column": place.start - (before.rfind("\n") + 1) + 1,
        "given": text[place.start : place.stop + 1][:200],
    }
