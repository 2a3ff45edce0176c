"""Splits a time range into whole hours, which Gold answers, and the rest, which Silver answers.

From the range that was asked for to `Ranges`; pure. All times are UTC, all ranges half-open.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

Range = tuple[datetime, datetime]
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Ranges:
    """`hours` begins and ends on a full hour; each of `edges` lies within one hour."""

    hours: Range | None
    edges: tuple[Range, ...]

    @property
    def is_empty(self) -> bool:
        return self.hours is None and not self.edges


def floor_hour(time: datetime) -> datetime:
    return time.replace(minute=0, second=0, microsecond=0)


def ceil_hour(time: datetime) -> datetime:
    floor = floor_hour(time)
    return floor if floor == time else floor + HOUR


def split_range(start: datetime, end: datetime, now: datetime) -> Ranges:
    """Split [start, end) at its first and last full hour.

    No event is later than its arrival, so an end that is not before `now` means the same as the
    full hour after it. `now` must be read after the table versions that the answer is made from.
    """
    if start >= end:
        return Ranges(None, ())
    if end >= now:
        end = ceil_hour(end)
    first, last = ceil_hour(start), floor_hour(end)
    if first > last:
        return Ranges(None, ((start, end),))
    edges = ((start, first), (last, end))
    return Ranges(
        hours=(first, last) if first < last else None,
        edges=tuple(edge for edge in edges if edge[0] < edge[1]),
    )
