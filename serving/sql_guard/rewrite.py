"""Puts the reader's views in the place of the tables a statement names, and finds places again.

From the text and its references to the text that runs; pure. An error of Spark is about the latter,
and the answer is to point into the former.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from serving.sql_guard.parsed import Reference
from serving.sql_guard.refusal import Place


@dataclass(frozen=True)
class Edit:
    place: Place
    new: str


def make_edits(text: str, references: Sequence[Reference], views: Mapping[str, str]) -> list[Edit]:
    """One edit per reference: `silver.events` -> ``(view AS `events`)``.

    In brackets, so that an alias of the statement's own may follow; with an alias, so that columns
    may be qualified as before.
    """
    edits = []
    for reference in references:
        view, alias = views[reference.table], reference.table.split(".")[-1]
        if reference.is_qualifier:
            edits.append(Edit(reference.place, f"`{alias}`"))
            continue
        is_bare = re.search(r"\btable\s*$", text[: reference.place.start], re.IGNORECASE)
        edits.append(Edit(reference.place, view if is_bare else f"({view} AS `{alias}`)"))
    return edits


def apply_edits(text: str, edits: Sequence[Edit]) -> str:
    """The text with all edits, which are in its order and do not overlap."""
    parts, done = [], 0
    for edit in edits:
        parts += [text[done : edit.place.start], edit.new]
        done = edit.place.stop + 1
    return "".join([*parts, text[done:]])


def find_original(place: Place, edits: Sequence[Edit]) -> Place:
    """Where in the original text a place of the edited one was; all of an edit is its beginning."""
    return Place(_move_back(place.start, edits), _move_back(place.stop, edits, is_end=True))


def _move_back(offset: int, edits: Sequence[Edit], is_end: bool = False) -> int:
    moved = 0
    for edit in edits:
        start = edit.place.start + moved
        if offset < start:
            break
        if offset < start + len(edit.new):
            return edit.place.stop if is_end else edit.place.start
        moved += len(edit.new) - (edit.place.stop + 1 - edit.place.start)
    return offset - moved
