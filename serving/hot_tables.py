"""Gold in memory: the last days of the tables that endpoints merge, by what the API can ask for.

From the states of the tables and what a statement reads to one DataFrame with the columns that
`serving.queries` names, or none. What is held belongs to one version of each, and is given for
later ones with the files that were added since, so no answer changes; any other is read from Delta
(docs/adr/0013).

Each row is held twice: by bucket and by all that can be asked for; and, merged further, by day and
by what endpoints group by when nothing else is asked for.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial, reduce

import structlog
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from schemas.table import GoldTable
from serving.additions import AddedFile, Additions, ReadCommit
from serving.delta_log import TableState
from serving.endpoints import ENDPOINTS, Endpoint
from serving.queries import SOURCE
from serving.reading import Reading

log = structlog.get_logger()

# The default range of 7 days, and the period before it.
HELD_DAYS = 15
# Loading costs about as much as so many answers from Delta: so often tables are asked for before
# they are loaded.
ASKED_BEFORE = 2
# More files or bytes than these are merged in memory: opening a file takes as long as many rows of
# it, and what was added is not merged.
MOST_ADDED, MOST_ADDED_BYTES = 15, 256 * 1024
# So much of it is merged again and again beside what is held, before all is loaded anew.
_MOST_RECENT, _MOST_RECENT_BYTES = 200, 1024 * 1024
# Of tables that change all the time, the least part of the time that goes by without a load.
_REST_PER_LOAD = 10
_SHORTEST_REST_S = 5.0

_BUCKET, _DAY = "bucket", "day"
# Frames that are kept for who asks the same.
_MOST_CHOSEN = 64

States = Mapping[str, TableState]
_Names = tuple[str, ...]
# Of each table the files that were added to it.
_Added = tuple[tuple[str, tuple[AddedFile, ...]], ...]
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


@dataclass
class _Held:
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
    _chosen: dict[tuple[frozenset[date] | None, _Added], DataFrame] = field(default_factory=dict)

    def find_added(self, states: States) -> _Added | None:
        """What was added since `states` up to later versions; none if that was not all."""
        found = []
        for name, state in self.states.items():
            is_same = states[name].generation == state.generation
            added = self.additions[name].find(states[name].version) if is_same else None
            if added is None:
                return None
            found.append((name, added))
        return tuple(found)

    def leave_recent(self, added: _Added) -> _Added:
        """Without what is in `recent`."""
        return tuple(
            (name, tuple(file for file in files if file.version > self.until[name].version))
            for name, files in added
        )

    def choose(self, reading: Reading, added: _Added, open_files: OpenFiles) -> DataFrame | None:
        """The fewest rows that will do; none where older ones are needed."""
        if reading.since < self.since:
            return None
        split = reading.split_days if self.group.is_by_day(reading.dimensions) else None
        later = self.leave_recent(added)
        if (split, later) not in self._chosen:
            if len(self._chosen) > _MOST_CHOSEN:
                self._chosen.clear()
            # Made once, for each step of a plan that PySpark is told of takes milliseconds. And
            # never the frame itself: when a view is dropped (serving/views.py), Spark forgets what
            # it has cached of the view's plan.
            parts = [self.base.where(_choose_level(split))]
            if self.recent:
                parts.append(self.recent.where(_choose_level(split)))
            for name, rows in self.open_added(later, open_files).items():
                rows = rows.withColumn(SOURCE, F.lit(name))
                parts.append(rows.select(*(one for one in rows.columns if one in parts[0].columns)))
            self._chosen[split, later] = _unite(parts)
        return self._chosen[split, later]

    def open_added(self, added: _Added, open_files: OpenFiles) -> dict[str, DataFrame]:
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


@dataclass
class _Wanted:
    """How often a group was asked for in vain since its last load, and the latest versions."""

    states: States
    asked: int = 0


class HotTables:
    """At most one version of the tables of each group that endpoints read. Thread-safe."""

    def __init__(
        self,
        open_table: Callable[[str, TableState], DataFrame],
        open_files: OpenFiles,
        read_commit: ReadCommit,
        max_bytes: int,
        endpoints: Iterable[Endpoint] = ENDPOINTS,
    ) -> None:
        """max_bytes: of all groups' files together, as they lie in the lake; 0: hold nothing."""
        self._open_table, self._open_files = open_table, open_files
        self._read_commit = read_commit
        self._max_bytes = max_bytes
        self._groups = find_groups(endpoints)
        self._wanted: dict[_Names, _Wanted] = {}
        self._held: dict[_Names, _Held] = {}
        # Of groups that are being loaded, for ever; of others, from when on they may be again.
        self._rests_until: dict[_Names, float] = {}
        self._is_closed = False
        self._lock = threading.Lock()
        self._loader = ThreadPoolExecutor(1, "hot-tables")

    def find_versions(self, names: _Names) -> tuple[int, ...] | None:
        """The versions that are held of these tables."""
        with self._lock:
            held = self._held.get(names)
            return tuple(held.until[name].version for name in names) if held else None

    def find(self, states: States, reading: Reading | None) -> DataFrame | None:
        """The rows for this reading, if they can be had from memory; counts the asking.

        With a column SOURCE, the table that a row is of; null what that table has not.
        """
        if reading is None or reading.tables not in self._groups or not self._max_bytes:
            return None
        names = reading.tables
        with self._lock:
            held = self._held.get(names)
            if held and _is_any_newer(held.until, states):
                return None  # the past is read from Delta
            added = held.find_added(states) if held else None
            if held is None or added is None:
                self._want(names, states)
                return None
            if _is_more(held.leave_recent(added), MOST_ADDED, MOST_ADDED_BYTES):
                self._load_soon(names, states)
            return held.choose(reading, added, self._open_files)

    def forget(self, names: _Names) -> None:
        """Let go of rows that cannot be read: files were cleaned up that they are made of."""
        with self._lock:
            held = self._held.pop(names, None)
        if held:
            _let_go(held, None)

    def close(self, *, finish: bool = False) -> None:
        """Begin no load any more, and wait for the one that runs; finish: for all that are due.

        Spark must not end under a load: its thread would wait for an answer, and the process for
        the thread, for ever.
        """
        with self._lock:
            self._is_closed = True
        self._loader.shutdown(wait=True, cancel_futures=not finish)

    def _want(self, names: _Names, states: States) -> None:
        asked = {name: states[name] for name in names}
        wanted = self._wanted.setdefault(names, _Wanted(asked))
        if _is_any_newer(wanted.states, states):
            return
        wanted.states = asked
        wanted.asked += 1
        if wanted.asked >= ASKED_BEFORE:
            self._load_soon(names, states)

    def _load_soon(self, names: _Names, states: States) -> None:
        if not self._is_closed and time.monotonic() >= self._rests_until.get(names, 0.0):
            self._rests_until[names] = math.inf
            self._loader.submit(self._load, names, {name: states[name] for name in names})

    def _load(self, names: _Names, states: States) -> None:
        """Hold these versions: add to what is held, or make it anew if it fits beside the rest."""
        began = time.monotonic()
        with self._lock:
            before = self._held.get(names)
        held = None
        try:
            held = before and self._add(before, states)
            held = held or self._merge(self._groups[names], states)
        except Exception:  # whatever it is, nobody waits for it here, and Delta has the rows
            log.exception("tables_not_held", tables=names)
        rest_s = max((time.monotonic() - began) * _REST_PER_LOAD, _SHORTEST_REST_S)
        with self._lock:
            self._held.pop(names, None)
            if held:
                self._held[names] = held
            self._wanted.pop(names, None)
            self._rests_until[names] = time.monotonic() + rest_s
        if before:
            _let_go(before, held)

    def _add(self, held: _Held, states: States) -> _Held | None:
        """The same with all that was added; none if it was much, or not all that was done."""
        with self._lock:
            added = held.find_added(states)
        if added is None or _is_more(added, _MOST_RECENT, _MOST_RECENT_BYTES):
            return None
        files = held.open_added(added, self._open_files)
        if not files:
            return replace(held, until=states)
        recent = merge_levels(held.group, files).persist()
        recent.count()
        log.info("tables_added_to", tables=held.group.names, versions=_versions(states))
        return replace(held, until=states, recent=recent, _chosen={})

    def _merge(self, group: Group, states: States) -> _Held | None:
        since = datetime.now(UTC).date() - timedelta(days=HELD_DAYS)
        whole = {name: self._open_table(name, states[name]) for name in group.names}
        tables = {name: rows.where(F.col("date") >= F.lit(since)) for name, rows in whole.items()}
        size = sum(map(_measure, tables.values()))
        if size == sum(map(_measure, whole.values())):
            since = date.min  # nothing is older
        others = sum(one.bytes for names, one in list(self._held.items()) if names != group.names)
        said = {"tables": group.names, "bytes": size}
        if others + size > self._max_bytes:
            log.info("tables_not_held", **said, max_bytes=self._max_bytes)
            return None
        rows = merge_levels(group, tables).persist()
        rows.count()
        log.info("tables_held", **said, versions=_versions(states))
        schemas = {name: rows.schema for name, rows in whole.items()}
        additions = {
            name: Additions(name, state.version, self._read_commit)
            for name, state in states.items()
        }
        return _Held(group, states, since, rows, size, schemas, additions, until=states)


def find_groups(endpoints: Iterable[Endpoint]) -> dict[_Names, Group]:
    """Names of tables -> the group that they are, of all endpoints over just these tables."""
    by_names: dict[_Names, list[Endpoint]] = {}
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
    dimensions of that level. Columns: level, SOURCE, bucket, date, and all tables' dimensions and
    stored columns, null where a table has none; these keep names and types.
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
    return rows.withColumns({"level": F.lit(level), SOURCE: F.lit(table.name)})


def _is_more(added: _Added, files: int, size: int) -> bool:
    """Whether these are more files, or more bytes."""
    all_files = [file for _, of_table in added for file in of_table]
    return len(all_files) > files or sum(file.bytes for file in all_files) > size


def _let_go(held: _Held, successor: _Held | None) -> None:
    """Free the memory of what the successor does not go on with."""
    if held.recent and (successor is None or successor.recent is not held.recent):
        held.recent.unpersist()
    if successor is None or successor.base is not held.base:
        held.base.unpersist()


def _unite(parts: list[DataFrame]) -> DataFrame:
    """All rows, null what a part has not."""
    return reduce(partial(DataFrame.unionByName, allowMissingColumns=True), parts)


def _versions(states: States) -> list[int]:
    return [state.version for state in states.values()]


def _is_any_newer(some: States, than: States) -> bool:
    """Whether one of the tables in `some` is newer there."""
    return any(
        (state.generation, state.version) > (than[name].generation, than[name].version)
        for name, state in some.items()
    )


def _measure(table: DataFrame) -> int:
    """Bytes of the files that the rows lie in."""
    plan = table._jdf.queryExecution().optimizedPlan()
    return int(plan.stats().sizeInBytes())
