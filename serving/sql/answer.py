"""The rows of a statement as an answer: JSON values by the columns' types, within the limits.

Decimals are numbers, times ISO-8601 with Z, binary values base64, NaN and infinities null.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    DataType,
    DoubleType,
    FloatType,
    MapType,
    StructType,
    TimestampType,
)

JSON_OPTIONS = {
    "ignoreNullFields": "false",
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'",
    "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
    "timeZone": "UTC",
}
_NO_NUMBERS = frozenset({"NaN", "Infinity", "-Infinity"})


@dataclass(frozen=True)
class Column:
    """A column of an answer: its own name, and its Spark SQL type."""

    name: str
    type: str
    data_type: DataType


@dataclass(frozen=True)
class Answer:
    """`rows` has a list per row, in the order of `columns`."""

    columns: list[Column]
    rows: list[list[Any]]
    truncated: bool
    tables: list[str]
    elapsed_s: float


def describe_columns(frame: DataFrame) -> list[Column]:
    return [
        Column(field.name, field.dataType.simpleString(), field.dataType)
        for field in frame.schema.fields
    ]


def write_json(frame: DataFrame, limit: int) -> DataFrame:
    """The first rows, each as a JSON object c0, c1, ...: made by Spark, and so read one by one."""
    names = [f"c{index}" for index in range(len(frame.columns))]
    return frame.toDF(*names).limit(limit).select(F.to_json(F.struct(*names), JSON_OPTIONS))


def limit_answer(
    rows: Iterator[str], columns: Sequence[Column], limit: int, max_bytes: int
) -> tuple[list[list[Any]], bool]:
    """Rows up to the limits, and whether there were more."""
    taken: list[list[Any]] = []
    size = 0
    for text in rows:
        size += len(text.encode("utf-8", "replace"))
        if len(taken) == limit or size > max_bytes:
            return taken, True
        taken.append(_read_row(text, columns))
    return taken, False


def _read_row(text: str, columns: Sequence[Column]) -> list[Any]:
    row = json.loads(text)
    return [clean_value(row.get(f"c{i}"), column.data_type) for i, column in enumerate(columns)]


def clean_value(value: Any, type_: DataType) -> Any:
    """A value as JSON can say it: what is no number is null."""
    if value is None:
        return None
    if isinstance(type_, DoubleType | FloatType):
        return None if value in _NO_NUMBERS else value
    if isinstance(type_, ArrayType):
        return [clean_value(item, type_.elementType) for item in value]
    if isinstance(type_, MapType):
        return {key: clean_value(item, type_.valueType) for key, item in value.items()}
    if isinstance(type_, StructType):
        return {field.name: clean_value(value.get(field.name), field.dataType) for field in type_}
    if isinstance(type_, TimestampType):
        return _shorten_time(value)
    return value


def _shorten_time(text: str) -> str:
    """Without a fraction of zero, as everywhere in the API."""
    return text.replace(".000000Z", "Z")


def name_uniquely(names: Sequence[str]) -> list[str]:
    """Names of columns as keys: `x`, `x_2`, `x_3` where several are called x."""
    taken: set[str] = set()
    unique = []
    for name in names:
        candidate, number = name, 1
        while candidate in taken:
            number += 1
            candidate = f"{name}_{number}"
        taken.add(candidate)
        unique.append(candidate)
    return unique
