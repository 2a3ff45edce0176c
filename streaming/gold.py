"""Gold: rows of Silver to mergeable partial aggregates, as the declarations say. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas.table import GoldTable, Table
from streaming.prepared import Transform, prepare_aggregation, prepare_selection


def aggregate_partials(rows: DataFrame, table: GoldTable) -> DataFrame:
    """Aggregate rows of `table.source` into partials of `table`.

    Returns bucket (timestamp, start of the hour or minute), date, the dimensions and the stored
    columns.
    """
    return prepare_partials(table)(rows)


def prepare_partials(table: GoldTable) -> Transform:
    """`aggregate_partials` of one table, for as many batches as there are."""
    dimensions = [F.expr(sql).alias(name) for name, sql in table.dimensions.items()]
    stored = [F.expr(sql).alias(name) for name, sql in table.stored.items()]
    aggregate = prepare_aggregation([F.expr(table.bucket).alias("bucket"), *dimensions], stored)
    date = F.to_date("bucket").alias("date")
    select = prepare_selection(["bucket", date, *table.dimension_names, *table.stored])
    unnested, where = prepare_selection(map(F.expr, table.row_columns)), table.where
    return lambda rows: select(aggregate(unnested(rows).where(where)))


def find_columns(tables: Iterable[GoldTable], source: Table) -> list[str]:
    """The columns of `source` that the tables' expressions name."""
    words: set[str] = set()
    for table in tables:
        expressions = (*table.dimensions.values(), *table.stored.values())
        for sql in (table.time, table.where, table.unnest or "", *expressions):
            words |= set(re.findall(r"\w+", sql))
    return [name for name in source.column_names if name in words]
