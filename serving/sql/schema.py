"""What there is to ask: tables and columns with their meaning, from the declarations in `schemas`.

Types are those of the tables as they are now.
"""

from __future__ import annotations

from pydantic import BaseModel, Field

from schemas.gold import GOLD_TABLES
from schemas.table import GoldTable
from serving.gold_reader import GoldReader, States
from serving.queries import SOURCES
from serving.sql.tables import READABLE

_GOLD = {table.name: table for table in GOLD_TABLES}
_VIEW_HELP = {"silver.page_views": "The page views of silver.events, one a row."}


class ColumnSchema(BaseModel):
    name: str
    type: str = Field(description="Spark SQL type.")
    help: str


class MetricSchema(BaseModel):
    """A number that can be made of a Gold table: use `sql` with any GROUP BY."""

    name: str
    sql: str
    unit: str
    help: str


class TableSchema(BaseModel):
    name: str
    help: str
    columns: list[ColumnSchema]
    metrics: list[MetricSchema] = Field(description="Of Gold tables; rows hold mergeable partials.")


def describe_tables(reader: GoldReader, states: States) -> list[TableSchema]:
    """Every readable table that exists, Gold first."""
    names = sorted(name for name, table in READABLE.items() if table.source in states)
    return [_describe(name, reader, states) for name in names]


def _describe(name: str, reader: GoldReader, states: States) -> TableSchema:
    source = READABLE[name].source
    helps = _column_helps(source)
    fields = reader.open_table(source, states[source]).schema.fields
    return TableSchema(
        name=name,
        help=_VIEW_HELP.get(name) or _table_help(source),
        columns=[
            ColumnSchema(
                name=field.name,
                type=field.dataType.simpleString(),
                help=helps.get(field.name, ""),
            )
            for field in fields
        ],
        metrics=[
            MetricSchema(name=metric.name, sql=metric.sql, unit=metric.unit, help=metric.help)
            for metric in (_GOLD[source].metrics if source in _GOLD else ())
        ],
    )


def _table_help(source: str) -> str:
    if source not in _GOLD:
        return SOURCES[source].help
    table = _GOLD[source]
    apart = ", ".join(table.kept_apart)
    return f"{table.help} Group by {apart}, or choose one." if apart else table.help


def _column_helps(source: str) -> dict[str, str]:
    if source in _GOLD:
        return _gold_helps(_GOLD[source])
    return {column.name: column.help for column in SOURCES[source].columns}


def _gold_helps(table: GoldTable) -> dict[str, str]:
    """Dimensions mean what they mean in the source; partials are what they were made by."""
    source = {column.name: column.help for column in SOURCES[table.source].columns}
    return {
        "bucket": f"Start of the {table.grain}, UTC.",
        "date": "UTC day of bucket; partition: filter by it.",
        **{name: source.get(sql, sql) for name, sql in table.dimensions.items()},
        **{name: f"Partial: {sql}; merge it." for name, sql in table.stored.items()},
    }
