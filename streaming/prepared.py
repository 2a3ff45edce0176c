"""Plans whose columns are sent to the JVM once, for what is built again with every micro-batch.

PySpark sends each column by itself each time it is used. For the hundred columns of an event that
takes longer than computing the rows of a small batch (docs/adr/0015). From columns to functions of
DataFrames, which do what the method named in each does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pyspark import SparkContext
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

Transform = Callable[[DataFrame], DataFrame]

_CARRIED = "_carried"


def prepare_columns(columns: Mapping[str, Column]) -> Transform:
    """`DataFrame.withColumns`."""
    names, values = _send(columns.keys()), _send_columns(columns.values())
    return lambda rows: _wrap(rows, rows._jdf.withColumns(names, values))


def prepare_selection(columns: Iterable[Column | str]) -> Transform:
    """`DataFrame.select`."""
    selected = _send_columns(columns)
    return lambda rows: _wrap(rows, rows._jdf.select(selected))


def prepare_aggregation(keys: Iterable[Column | str], values: Iterable[Column]) -> Transform:
    """`DataFrame.groupBy(keys).agg(values)`, of at least one value."""
    first, *others = values
    grouped, head, rest = _send_columns(keys), _java(first), _send_columns(others)
    return lambda rows: _wrap(rows, rows._jdf.groupBy(grouped).agg(head, rest))


def prepare_steps(
    steps: Sequence[Mapping[str, Column]], names: Sequence[str], selected: Iterable[str]
) -> Transform:
    """One `withColumns` after the other, and a `select` of what remains.

    names: of the rows that come in. Those that no step reads or replaces go through all steps as
    one struct, for Spark copies the columns of a row one by one with each step.
    """
    carried = find_untouched(steps, names)
    others = [name for name in names if name not in carried]
    packed = F.struct(*carried).alias(_CARRIED)
    transforms = [
        prepare_selection([*others, packed]),
        *map(prepare_columns, steps),
        prepare_selection(f"{_CARRIED}.{name}" if name in carried else name for name in selected),
    ]

    def run(rows: DataFrame) -> DataFrame:
        for transform in transforms:
            rows = transform(rows)
        return rows

    return run


def find_untouched(steps: Iterable[Mapping[str, Column]], names: Iterable[str]) -> list[str]:
    """Those of `names` that no step names, in its columns or in their expressions."""
    words: set[str] = set()
    for columns in steps:
        words |= columns.keys()
        for column in columns.values():
            words |= set(re.findall(r"\w+", str(column)))
    return [name for name in names if name not in words]


def _send_columns(columns: Iterable[Column | str]) -> Any:
    return _send(_java(column) for column in columns)


def _java(column: Column | str) -> Any:
    return (F.col(column) if isinstance(column, str) else column)._jc


def _send(values: Iterable[Any]) -> Any:
    """A Scala Seq in the JVM, which keeps it as long as this object lives."""
    context: Any = SparkContext._active_spark_context
    return context._jvm.PythonUtils.toSeq(list(values))


def _wrap(rows: DataFrame, made: Any) -> DataFrame:
    return DataFrame(made, rows.sparkSession)
