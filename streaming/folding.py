"""Folding: the partials that many batches added to an hour, merged into one per group.

Gold then grows with what there is to tell, not with how often it was written. A fold replaces the
partials of some hours by their merge in one commit, so readers see either, and no answer changes;
cut off by a crash, the hours stay as they were and are folded with the next ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas.commit import FOLDED
from schemas.table import GoldTable
from streaming.delta_log import AddedFile, Position, files_added, latest_version
from streaming.runtime import Runtime
from streaming.sinks import Batch, replace_rows
from streaming.sources import read_table

log = structlog.get_logger(__name__)

# A fold costs about a batch; so often, that a query merges a handful of files.
FOLD_EVERY_BATCHES = 40
# A day that late events have touched less often waits until it is worth a commit.
_MIN_FILES = 8
_FORMAT = "%Y-%m-%d %H:%M:%S"

Fold = Callable[[Batch, Mapping[str, Any] | None], None]


@dataclass
class _Touched:
    """What was added to one day since its last fold: files, and the first and last bucket."""

    files: int
    first: datetime
    last: datetime


def open_folding(
    locate: Callable[[str], str], tables: tuple[GoldTable, ...], every: int = FOLD_EVERY_BATCHES
) -> Fold:
    """Return what a flow calls in each batch: every so many, what they added is folded after it.

    locate: table name -> URI. Partials that an earlier process left unfolded stay so.
    """
    seen = {table.name: latest_version(locate(table.name)) for table in tables}
    touched: dict[str, dict[str, _Touched]] = {table.name: {} for table in tables}
    batches = 0

    def fold(batch: Batch, metadata: Mapping[str, Any] | None) -> None:
        nonlocal batches
        batches += 1
        if batches % every == 0:
            batch.upkeep += [partial(fold_table, batch, table, metadata) for table in tables]

    def fold_table(batch: Batch, table: GoldTable, metadata: Mapping[str, Any] | None) -> None:
        uri, days = locate(table.name), touched[table.name]
        version = latest_version(uri)
        start, end = Position(seen[table.name] + 1, -1), Position(version + 1, -1)
        _note(days, files_added(uri, start, end))
        if where := _take_due(days):
            partials = read_table(batch.runtime, table.name)
            replace_folded(batch.runtime, table, partials, where, metadata or {})
            log.info("folded", flow=batch.flow, table=table.name, where=where)
        seen[table.name] = latest_version(uri)

    return fold


def replace_folded(
    runtime: Runtime, table: GoldTable, partials: DataFrame, where: str, said: Mapping[str, Any]
) -> None:
    """Put the merge of the partials that meet `where` in their place; partials: of the table.

    said: what the commit says besides that it changes no answer.
    """
    folded = fold_partials(partials.where(where), table)
    replace_rows(runtime, table, folded, where, {**said, FOLDED: True})


def fold_partials(partials: DataFrame, table: GoldTable) -> DataFrame:
    """Merge partials into one per bucket and dimensions; columns and types stay the table's."""
    merged = map(F.expr, table.merge_columns(dict(partials.dtypes)))
    keys = ("bucket", "date", *table.dimension_names)
    return partials.groupBy(*keys).agg(*merged).select(*partials.columns)


def _note(days: dict[str, _Touched], files: list[AddedFile]) -> None:
    for file in files:
        day = str(file.partition_values["date"])
        first, last = (_read_time(values) for values in (file.min_values, file.max_values))
        known = days.setdefault(day, _Touched(0, first, last))
        known.files += 1
        known.first, known.last = min(known.first, first), max(known.last, last)


def _take_due(days: dict[str, _Touched]) -> str:
    """SQL of the hours to fold now, which are forgotten; empty where there is nothing to do."""
    due = sorted(day for day, touched in days.items() if touched.files >= _MIN_FILES)
    spans = [(day, days.pop(day)) for day in due]
    return " OR ".join(
        f"(date = date'{day}' AND bucket >= timestamp'{touched.first:{_FORMAT}}' "
        f"AND bucket <= timestamp'{touched.last:{_FORMAT}}')"
        for day, touched in spans
    )


def _read_time(values: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(values["bucket"]).astimezone(UTC)
