"""What was asked: validated, with every default, and the conditions it sets for rows; pure.

Values only as bound parameters (`:name`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from serving.ranges import Range
from serving.zones import splits_hours

Interval = Literal["hour", "day", "week", "month"]
Value = str | int | date | datetime


@dataclass(frozen=True)
class Selection:
    """What an answer is about: validated, with every default filled in."""

    start: datetime
    end: datetime
    limit: int
    offset: int
    include_bots: bool = False
    interval: Interval | None = None
    filters: dict[str, str] = field(default_factory=dict)
    group_by: tuple[str, ...] | None = None
    # The only sites to count; none: all. Who asks may see no others.
    sites: tuple[str, ...] | None = None
    # The zone whose days, weeks and months `interval` means; none: UTC.
    timezone: str | None = None
    # The range to compare with.
    previous: Range | None = None

    @property
    def splits_hours(self) -> bool:
        """Whether an interval may begin within an hour."""
        return bool(self.interval) and splits_hours(self.timezone, self.start, self.end)


def make_conditions(selection: Selection, dimensions: dict[str, str]) -> list[str]:
    """Bots, sites and filters; dimensions: name -> SQL over the rows."""
    chosen = [f"{dimensions[name]} = :{name}" for name in selection.filters if name in dimensions]
    return choose_rows(selection, dimensions) + chosen


def choose_rows(selection: Selection, dimensions: dict[str, str]) -> list[str]:
    """Bots and sites; dimensions: as for `make_conditions`."""
    bots = [] if selection.include_bots else [f"NOT {dimensions['is_bot']}"]
    return bots + choose_sites(selection, dimensions["site_id"])


def choose_sites(selection: Selection, column: str = "site_id") -> list[str]:
    """The condition that leaves out the sites which whoever asks may not see."""
    if selection.sites is None:
        return []
    markers = [f":site{index}" for index in range(len(selection.sites))]
    return [f"{column} IN ({', '.join(markers)})" if markers else "false"]


def bind_sites(selection: Selection) -> dict[str, Value]:
    """Values for `choose_sites`."""
    return {f"site{index}": site for index, site in enumerate(selection.sites or ())}
