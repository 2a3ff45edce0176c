"""The answered sections of a report as rows: for JSON, and as one long table for CSV; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from serving.ranges import Range
from serving.reports.definitions import Report, Section
from serving.selection import Interval
from serving.zones import number_of

Row = dict[str, Any]

CSV_COLUMNS = ("section", "row", "metric", "unit", "value", "previous", "change")
NO_VALUE = "(none)"
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Span:
    """What a report is about: two ranges in UTC, and the zone whose days are meant."""

    period: Range
    previous: Range
    timezone: str | None

    def place(self, interval: Interval, bucket: str) -> int:
        """The number of an interval in the period, from 0."""
        first, this = (
            number_of(interval, time, self.timezone)
            for time in (self.period[0], datetime.fromisoformat(bucket))
        )
        return this - first

    def count(self, interval: Interval, of: Range) -> int:
        """How many intervals a range touches."""
        first, last = (
            number_of(interval, time, self.timezone) for time in (of[0], of[1] - _MICROSECOND)
        )
        return last - first + 1


@dataclass(frozen=True)
class Part:
    """One section, answered. `keys`: the columns that make a row, `bucket` among them."""

    section: Section
    keys: tuple[str, ...]
    rows: list[Row]


@dataclass(frozen=True)
class Answered:
    """A whole report, answered."""

    name: str
    report: Report
    site: str
    include_bots: bool
    span: Span
    parts: tuple[Part, ...]
    meta: dict[str, Any]


def make_part(section: Section, keys: tuple[str, ...], rows: list[Row], span: Span) -> Part:
    """The section with the columns it shows.

    An interval that the period before has not (the 31st, after a month of 30 days) is compared with
    nothing: the endpoint takes what is not there for 0.
    """
    counted = section.interval and span.count(section.interval, span.previous)
    made = []
    for row in rows:
        kept = {name: row[name] for name in keys}
        kept |= {name: row[name] for name in section.shown}
        is_matched = not (
            counted and section.interval and span.place(section.interval, row["bucket"]) >= counted
        )
        for ending in ("previous", "change"):
            names = (f"{name}_{ending}" for name in section.shown)
            kept |= {name: row[name] if is_matched else None for name in names if name in row}
        made.append(kept)
    return Part(section, keys, made)


def describe_part(part: Part) -> dict[str, Any]:
    """A section as JSON has it."""
    metrics = part.section.asked.all_metrics
    return {
        "title": part.section.title,
        "endpoint": part.section.endpoint,
        "interval": part.section.interval,
        "keys": list(part.keys),
        "columns": [
            {"name": name, "unit": metrics[name].unit, "help": metrics[name].help}
            for name in part.section.shown
        ],
        "rows": part.rows,
    }


def list_values(answered: Answered) -> Iterator[Row]:
    """One row per section, row and metric, of CSV_COLUMNS."""
    for part in answered.parts:
        metrics = part.section.asked.all_metrics
        for row in part.rows:
            label = " / ".join(NO_VALUE if row[key] is None else str(row[key]) for key in part.keys)
            for name in part.section.shown:
                yield {
                    "section": part.section.title,
                    "row": label,
                    "metric": name,
                    "unit": metrics[name].unit,
                    "value": row[name],
                    "previous": row.get(f"{name}_previous"),
                    "change": row.get(f"{name}_change"),
                }
