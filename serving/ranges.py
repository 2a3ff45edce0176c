"""Splits a time range into whole hours (or minutes), which Gold has, and the rest, for Silver.

From the range that was asked for to `Ranges`; pure. All times are UTC, all ranges half-open.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.table import Grain

Range = tuple[datetime, datetime]
STEPS: dict[Grain, timedelta] = {"hour": timedelta(hours=1), "minute": timedelta(minutes=1)}


@dataclass(frozen=True)
class Ranges:
    """`hours` begins and ends on a full hour (or minute); each of `edges` lies within one."""

    hours: Range | None
    edges: tuple[Range, ...]

    @property
    def is_empty(self) -> bool:
        return self.hours is None and not self.edges


def floor_time(time: datetime, grain: Grain = "hour") -> datetime:
    minute = time.replace(second=0, microsecond=0)
    return minute if grain == "minute" else minute.replace(minute=0)


def ceil_time(time: datetime, grain: Grain = "hour") -> datetime:
    floor = floor_time(time, grain)
    return floor if floor == time else floor + STEPS[grain]


def split_range(start: datetime, end: datetime, now: datetime, grain: Grain = "hour") -> Ranges:
    """Split [start, end) at its first and last full hour, or minute.

    No event is later than its arrival, so an end that is not before `now` means the same as the
    full hour (or minute) after it. `now` must be read after the table versions that the answer is
    made from.
    """
    if start >= end:
        return Ranges(None, ())
    if end >= now:
        end = ceil_time(end, grain)
    first, last = ceil_time(start, grain), floor_time(end, grain)
    if first > last:
        return Ranges(None, ((start, end),))
    edges = ((start, first), (last, end))
    return Ranges(
        hours=(first, last) if first < last else None,
        edges=tuple(edge for edge in edges if edge[0] < edge[1]),
    )
