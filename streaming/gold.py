"""Gold: rows of Silver to mergeable partial aggregates, as the declarations say. Pure."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas.table import GoldTable


def aggregate_partials(rows: DataFrame, table: GoldTable) -> DataFrame:
    """Aggregate rows of `table.source` into partials of `table`.

    Returns bucket (timestamp, the hour), date, the dimensions and the stored columns.
    """
    dimensions = [F.expr(sql).alias(name) for name, sql in table.dimensions.items()]
    stored = [F.expr(sql).alias(name) for name, sql in table.stored.items()]
    return (
        rows.where(table.where)
        .groupBy(F.date_trunc("hour", table.time).alias("bucket"), *dimensions)
        .agg(*stored)
        .select(
            "bucket",
            F.to_date("bucket").alias("date"),
            *table.dimension_names,
            *table.stored,
        )
    )
