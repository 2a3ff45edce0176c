"""Which records are judged again: those of some days' events, or dead letters.

From the tables as they are to rows of `bronze.events` with `was_late`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas import bronze, silver
from streaming.rejudge.outcomes import RECORD_COLUMNS
from streaming.runtime import Runtime
from streaming.silver import KEY
from streaming.sources import read_table

_IDENTITY = ("site_id", "event_id")


@dataclass(frozen=True)
class Days:
    """UTC days of event time, both included."""

    first: date
    last: date

    def within(self, column: str) -> str:
        """SQL: the date is one of the days."""
        # Delta does not resolve a BETWEEN in `replaceWhere`.
        return f"{column} >= date'{self.first}' AND {column} <= date'{self.last}'"


def select_days(runtime: Runtime, days: Days, version: int) -> DataFrame:
    """Records of the days' events in `silver.events` at a version, and of their copies."""
    events = (
        read_table(runtime, silver.EVENTS.name, version)
        .where(days.within("event_date"))
        .select(*KEY, *_IDENTITY, "arrival_time", F.col("is_late").alias("was_late"))
    )
    copies = (
        read_table(runtime, silver.DUPLICATES.name)
        .join(events.select(*_IDENTITY), [*_IDENTITY], how="left_semi")
        .select(*KEY, "arrival_time", F.lit(None).cast("boolean").alias("was_late"))
    )
    return _read_records(runtime, events.select(*KEY, "arrival_time", "was_late").union(copies))


def select_letters(
    runtime: Runtime,
    reason: str | None,
    first_day: date | None = None,
    before: datetime | None = None,
) -> DataFrame:
    """Records that are dead letters: with that reason, arrived from a day on, before a time."""
    letters = read_table(runtime, bronze.DEAD_LETTERS.name)
    if reason is not None:
        letters = letters.where(F.array_contains("reasons", reason))
    if first_day is not None:
        letters = letters.where(F.col("arrival_date") >= F.lit(first_day))
    if before is not None:
        letters = letters.where(F.col("arrival_time") < F.lit(before))
    places = letters.select(*KEY, "arrival_time", F.lit(None).cast("boolean").alias("was_late"))
    return _read_records(runtime, places)


def _read_records(runtime: Runtime, places: DataFrame) -> DataFrame:
    """The Bronze rows at these Kafka coordinates, from the days they arrived on."""
    bounds = places.agg(
        F.min(F.to_date("arrival_time")).alias("first"),
        F.max(F.to_date("arrival_time")).alias("last"),
    ).collect()[0]
    events = read_table(runtime, bronze.EVENTS.name)
    arrived = F.col("arrival_date").between(F.lit(bounds.first), F.lit(bounds.last))
    return (
        events.where(arrived)
        .select(*RECORD_COLUMNS)
        .join(places.select(*KEY, "was_late"), [*KEY], how="inner")
    )
