"""How far the data goes, as the streaming app said with its last commits.

From the states of the tables to two event times: `as_of` and `complete_until`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from schemas.gold import EVENT_GRAIN, SESSION_GRAIN
from schemas.gold.pages import PAGES
from schemas.table import GoldTable
from serving.gold_reader import States


def find_as_of(states: States, tables: Iterable[GoldTable] = (PAGES,)) -> datetime | None:
    """Event time up to which data is in, as the streaming app last said; None: it never did.

    In all of `tables` that are made from events; in the page metrics where none is.
    """
    of_events = [table for table in tables if table in EVENT_GRAIN] or [PAGES]
    return _find_earliest(states, of_events, "as_of")


def find_complete_until(states: States) -> datetime | None:
    """Event time up to which sessions are closed, in all tables made from them."""
    return _find_earliest(states, SESSION_GRAIN, "complete_until")


def format_time(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def _find_earliest(states: States, tables: Iterable[GoldTable], name: str) -> datetime | None:
    """The earliest of the times that all of the tables say; None if one says none."""
    times = [_find_said(states, table, name) for table in tables]
    return min((time for time in times if time), default=None) if all(times) else None


def _find_said(states: States, table: GoldTable, name: str) -> datetime | None:
    """A time in what the writer of a table last said; None if there is none that can be read."""
    state = states.get(table.name)
    try:
        time = datetime.fromisoformat(state.said[name]) if state else None
    except (KeyError, ValueError):
        return None
    return time.astimezone(UTC) if time and time.tzinfo else None
