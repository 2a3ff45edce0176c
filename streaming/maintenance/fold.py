"""Fold what the flows have left unfolded: partials of hours that are over, merged into one.

A flow folds what it has written itself, every so many batches (streaming/folding.py). What is left
is what an earlier process wrote last, and days that late events touched a few times.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from pyspark.sql import functions as F

from schemas.table import GoldTable
from streaming.folding import replace_folded
from streaming.maintenance.files import last_said, list_files
from streaming.runtime import Runtime
from streaming.sources import read_table
from streaming.table_locks import hold_table

_FORMAT = "%Y-%m-%d %H:%M:%S"


def fold_table(runtime: Runtime, table: GoldTable, now: datetime, *, is_dry_run: bool) -> int:
    """Fold every hour before the present one that has several partials for a group.

    Day by day, so that the table's flow never waits for long. Returns how many partials went into
    others, or would.
    """
    files = Counter(file.partition_values["date"] for file in list_files(runtime, table.name))
    # One file has been written by one commit, which has one partial for each group.
    days = sorted(day for day, count in files.items() if count > 1 and day is not None)
    return sum(_fold_day(runtime, table, day, now, is_dry_run=is_dry_run) for day in days)


def _fold_day(
    runtime: Runtime, table: GoldTable, day: str, now: datetime, *, is_dry_run: bool
) -> int:
    hour = now.replace(minute=0, second=0, microsecond=0)
    with hold_table(runtime, table.name):
        partials = read_table(runtime, table.name)
        is_over = f"date = date'{day}' AND bucket < timestamp'{hour:{_FORMAT}}'"
        groups = partials.where(is_over).groupBy("bucket", *table.dimension_names).count()
        found = (
            groups.where("count > 1")
            .agg(
                F.expr("coalesce(sum(count - 1), 0)").alias("folded"),
                F.unix_seconds(F.min("bucket")).alias("first"),
                F.unix_seconds(F.max("bucket")).alias("last"),
            )
            .collect()[0]
        )
        if found.folded and not is_dry_run:
            where = (
                f"date = date'{day}' AND bucket >= timestamp_seconds({found.first}) "
                f"AND bucket <= timestamp_seconds({found.last})"
            )
            replace_folded(runtime, table, partials, where, last_said(runtime, table.name))
    return int(found.folded)
