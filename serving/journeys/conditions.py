"""Which rows a journey is made of: the one place where sites, bots, ranges and filters become SQL.

From a `Selection` to conditions and the values bound in them; pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal

from serving.selection import Selection, Value, bind_sites
from serving.selection import choose_sites as choose_seen

Period = Literal["day", "week", "month"]

_MICROSECOND = timedelta(microseconds=1)


def join(conditions: Iterable[str]) -> str:
    return " AND ".join(conditions) or "true"


def choose_sites(selection: Selection) -> list[str]:
    """Whose rows may be read at all."""
    chosen = ["site_id = :site_id"] if "site_id" in selection.filters else []
    return [*choose_seen(selection), *chosen]


def choose_rows(selection: Selection) -> list[str]:
    """Sites, filters, and no bots unless asked for."""
    filters = [f"{name} = :{name}" for name in selection.filters]
    filters = [*choose_seen(selection), *filters]
    return filters if selection.include_bots else [*filters, "NOT is_bot"]


def is_counted(selection: Selection) -> str:
    """Whether a row counts, where bots are read all the same: they, too, tell who is who."""
    return "true" if selection.include_bots else "NOT is_bot"


def within(date: str, time: str) -> list[str]:
    """The range that `bind_range` binds, with its partitions."""
    return [
        f"{date} BETWEEN :first_date AND :last_date",
        f"{time} >= :start",
        f"{time} < :end",
    ]


def bind_range(start: datetime, end: datetime) -> dict[str, Value]:
    """Values for `within`."""
    return {
        "start": start,
        "end": end,
        "first_date": start.date(),
        "last_date": (end - _MICROSECOND).date(),
    }


def bind_page(selection: Selection) -> dict[str, Value]:
    """Values of the filters, and of LIMIT and OFFSET."""
    sites = bind_sites(selection)
    return {**selection.filters, **sites, "limit": selection.limit, "offset": selection.offset}


def floor_period(time: datetime, period: Period) -> datetime:
    """The start of the UTC day, ISO week (from Monday) or month that `time` lies in."""
    midnight = time.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "week":
        return midnight - timedelta(days=midnight.weekday())
    return midnight.replace(day=1) if period == "month" else midnight


def last_period(end: datetime, period: Period) -> datetime:
    """The start of the period that the last moment before `end` lies in."""
    return floor_period(end - _MICROSECOND, period)
