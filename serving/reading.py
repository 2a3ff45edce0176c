"""What a statement reads of Gold, for `serving/hot_tables.py` to give it the least that will do.

From an endpoint, a selection and the full hours it covers; pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from serving.ranges import Range


@dataclass(frozen=True)
class Reading:
    """The same of each of the Gold tables.

    since: the first day. dimensions: those it groups or selects by, beside site_id and is_bot.
    split_days: the days of which it tells hours apart; none: all days may be such.
    """

    tables: tuple[str, ...]
    since: date
    dimensions: frozenset[str]
    split_days: frozenset[date] | None

    def join(self, other: Reading) -> Reading:
        """What a statement reads that is made of two over the same tables."""
        days = None
        if self.split_days is not None and other.split_days is not None:
            days = self.split_days | other.split_days
        dimensions = self.dimensions | other.dimensions
        return Reading(self.tables, min(self.since, other.since), dimensions, days)


def needs_hours(interval: str | None, timezone: str | None) -> bool:
    """Whether an answer by this interval tells hours of one UTC day apart."""
    # Weeks and months are made of days; another zone's days are not those of UTC.
    return interval == "hour" or (interval is not None and timezone is not None)


def find_reading(
    tables: tuple[str, ...], hours: Range, dimensions: frozenset[str], *, tells_hours: bool
) -> Reading:
    """tells_hours: whether it does so on days that it reads whole, too."""
    split = None if tells_hours else _find_split(hours)
    return Reading(tables, hours[0].date(), dimensions, split)


def _find_split(hours: Range) -> frozenset[date]:
    """The days that a range begins or ends within."""
    return frozenset(time.date() for time in hours if time != _floor_day(time))


def _floor_day(time: datetime) -> datetime:
    return time.replace(hour=0, minute=0, second=0, microsecond=0)
