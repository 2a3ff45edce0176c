"""What is held of Gold in memory: merged partials of the tables that endpoints merge.

From a group of tables to its rows, each twice: by bucket and by all that can be asked for; and,
merged further, by day and by what endpoints group by when nothing else is asked for. Then from
these rows, and the files that were added to the tables since, to those that a statement reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial, reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from schemas.table import GoldTable
from serving.additions import AddedFile, Additions
from serving.delta_log import TableState
from serving.endpoint import Endpoint
from serving.queries import SOURCE_COLUMN
from serving.reading import Reading

_BUCKET, _DAY = "bucket", "day"
# Frames that are kept for who asks the same.
_MOST_CHOSEN = 64

States = Mapping[str, TableState]
Names = tuple[str, ...]
# Of each table the files that were added to it.
Added = tuple[tuple[str, tuple[AddedFile, ...]], ...]
# A table's files by their paths in its log, as rows of its schema.
OpenFiles = Callable[[str, StructType, tuple[str, ...]], DataFrame]


@dataclass(frozen=True)
class Group:
    """Tables whose partials endpoints merge together, and what of them is held.

    dimensions: those by which any of the endpoints groups or selects, of each table. by_day: those
    by which they group what is asked for by the day; none: nothing is.
    """

    tables: tuple[GoldTable, ...]
    dimensions: dict[str, frozenset[str]]
    by_day: dict[str, frozenset[str]]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(table.name for table in self.tables)

    def is_by_day(self, asked: frozenset[str]) -> bool:
        """Whether the rows by day have all of these dimensions that there are."""
        return bool(self.by_day) and all(
            asked & self.dimensions[name] <= self.by_day[name] for name in self.names
        )


@dataclass(eq=False)
class Held:
    """Rows of the tables of a group, from the day `since` on, and what was added to them later.

    base: rows of one version of each table (`states`), of the levels BUCKET and DAY; bytes: of the
    files they lie in. recent: the same of what was added up to later versions (`until`).
    """

    group: Group
    states: States
    since: date
    base: DataFrame
    bytes: int
    schemas: Mapping[str, StructType]
    additions: Mapping[str, Additions]
    until: States
    recent: DataFrame | None = None
    _chosen: dict[tuple[frozenset[date] | None, Added], DataFrame] = field(default_factory=dict)

    @property
    def kept(self) -> tuple[DataFrame, ...]:
        """All rows in memory."""
        return (self.base,) if self.recent is None else (self.base, self.recent)

    def find_added(self, states: States) -> Added | None:
        """What was added since `states` up to later versions; none if that was not all."""
        found = []
        for name, state in self.states.items():
            is_same = states[name].generation == state.generation
            added = self.additions[name].find(states[name].version) if is_same else None
            if added is None:
                return None
            found.append((name, added))
        return tuple(found)

    def leave_recent(self, added: Added) -> Added:
        """Without what is in `recent`."""
        return tuple(
            (name, tuple(file for file in files if file.version > self.until[name].version))
            for name, files in added
        )

    def choose(self, reading: Reading, later: Added, open_files: OpenFiles) -> DataFrame | None:
        """The fewest rows that will do, with those of `later` files (`leave_recent`); none where
        older ones are needed."""
        if reading.since < self.since:
            return None
        split = reading.split_days if self.group.is_by_day(reading.dimensions) else None
        if (split, later) not in self._chosen:
            if len(self._chosen) > _MOST_CHOSEN:
                self._chosen.clear()
            # Made once, for each step of a plan that PySpark is told of takes milliseconds. And
            # never the frame itself: when a view is dropped (serving/views.py), Spark forgets what
            # it has cached of the view's plan.
            parts = [rows.where(_choose_level(split)) for rows in self.kept]
            for name, rows in self.open_added(later, open_files).items():
                rows = rows.withColumn(SOURCE_COLUMN, F.lit(name))
                parts.append(rows.select(*(one for one in rows.columns if one in parts[0].columns)))
            self._chosen[split, later] = _unite(parts)
        return self._chosen[split, later]

    def add(self, later: Added, states: States, open_files: OpenFiles) -> Held:
        """The same up to `states`, with what is in `later` files (`leave_recent`) in memory too."""
        files = self.open_added(later, open_files)
        if not files:
            return replace(self, until=states)
        parts = {name: [rows] for name, rows in files.items()}
        if self.recent is not None:
            merged = self.recent.where(_choose_level(None))
            for table in self.group.tables:
                if set(table.stored) <= set(merged.columns):
                    rows = merged.where(F.col(SOURCE_COLUMN) == table.name)
                    names = [one for one in self.schemas[table.name].names if one in rows.columns]
                    parts.setdefault(table.name, []).append(rows.select(names))
        rows = merge_levels(self.group, {name: _unite(some) for name, some in parts.items()})
        # Cut off, or its plan would have in it those of all before it.
        recent = rows.localCheckpoint(eager=False).persist()
        recent.count()
        return replace(self, until=states, recent=recent, _chosen={})

    def open_added(self, added: Added, open_files: OpenFiles) -> dict[str, DataFrame]:
        """Table -> the rows of these files, where there are any."""
        return {
            name: open_files(name, self.schemas[name], tuple(file.path for file in files))
            for name, files in added
            if files
        }


def _choose_level(split: frozenset[date] | None) -> str:
    """SQL of which rows to read; split: see `Reading`."""
    if split is None:
        return f"level = '{_BUCKET}'"
    if not split:
        return f"level = '{_DAY}'"
    days = ", ".join(f"date'{day}'" for day in sorted(split))
    return (
        f"(level = '{_DAY}' AND date NOT IN ({days})) OR (level = '{_BUCKET}' AND date IN ({days}))"
    )


def find_groups(endpoints: Iterable[Endpoint]) -> dict[Names, Group]:
    """Names of tables -> the group that they are, of all endpoints over just these tables."""
    by_names: dict[Names, list[Endpoint]] = {}
    for endpoint in endpoints:
        by_names.setdefault(tuple(table.name for table in endpoint.tables), []).append(endpoint)
    return {names: _find_group(found) for names, found in by_names.items()}


def _find_group(endpoints: list[Endpoint]) -> Group:
    tables = endpoints[0].tables
    by_day = [endpoint for endpoint in endpoints if not endpoint.kinds]
    named = {name for one in endpoints for name in (*one.dimensions, *one.filters)}
    grouped = {name for one in by_day for name in one.group_by}
    return Group(
        tables,
        {table.name: _find_dimensions(table, named) for table in tables},
        {table.name: _find_dimensions(table, grouped) for table in tables} if by_day else {},
    )


def _find_dimensions(table: GoldTable, named: set[str]) -> frozenset[str]:
    """The table's dimensions that are named, or always needed."""
    needed = named | {"site_id", "is_bot", *table.kept_apart}
    return frozenset(table.dimensions.keys() & needed)


def merge_levels(group: Group, tables: Mapping[str, DataFrame]) -> DataFrame:
    """Partials of all tables, of the level BUCKET and of the level DAY.

    These are one row per bucket (or day, whose start is the bucket then), table and the group's
    dimensions of that level. Columns: level, SOURCE_COLUMN, bucket, date, and all tables'
    dimensions and stored columns, null where a table has none; these keep names and types.
    """
    parts = []
    for table in (table for table in group.tables if table.name in tables):
        partials = tables[table.name]
        parts.append(_merge(partials, table, _BUCKET, group.dimensions[table.name]))
        if group.by_day:
            days = partials.withColumn("bucket", F.date_trunc("day", "bucket"))
            # Not by GROUPING SETS: in a statement that reads held rows twice, as a comparison does,
            # Spark does not know the second ones for the plan that it has cached.
            parts.append(_merge(days, table, _DAY, group.by_day[table.name]))
    rows = _unite(parts)
    # In this order, so that Spark can leave out what is not of a day.
    return rows.coalesce(1).sortWithinPartitions("level", "bucket")


def _merge(
    partials: DataFrame, table: GoldTable, level: str, dimensions: Iterable[str]
) -> DataFrame:
    merged = map(F.expr, table.merge_columns(dict(partials.dtypes)))
    rows = partials.groupBy("bucket", "date", *dimensions).agg(*merged)
    return rows.withColumns({"level": F.lit(level), SOURCE_COLUMN: F.lit(table.name)})


def _unite(parts: list[DataFrame]) -> DataFrame:
    """All rows, null what a part has not."""
    return reduce(partial(DataFrame.unionByName, allowMissingColumns=True), parts)
