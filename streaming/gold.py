"""Gold: rows of Silver to mergeable partial aggregates, as the declarations say. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas.table import GoldTable, Table


def aggregate_partials(rows: DataFrame, table: GoldTable) -> DataFrame:
    """Aggregate rows of `table.source` into partials of `table`.

    Returns bucket (timestamp, start of the hour or minute), date, the dimensions and the stored
    columns.
    """
    dimensions = [F.expr(sql).alias(name) for name, sql in table.dimensions.items()]
    stored = [F.expr(sql).alias(name) for name, sql in table.stored.items()]
    return (
        rows.selectExpr(*table.row_columns)
        .where(table.where)
        .groupBy(F.expr(table.bucket).alias("bucket"), *dimensions)
        .agg(*stored)
        .select(
            "bucket",
            F.to_date("bucket").alias("date"),
            *table.dimension_names,
            *table.stored,
        )
    )


def find_columns(tables: Iterable[GoldTable], source: Table) -> list[str]:
    """The columns of `source` that the tables' expressions name."""
    words: set[str] = set()
    for table in tables:
        expressions = (*table.dimensions.values(), *table.stored.values())
        for sql in (table.time, table.where, table.unnest or "", *expressions):
            words |= set(re.findall(r"\w+", sql))
    return [name for name in source.column_names if name in words]
