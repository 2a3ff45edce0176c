"""Gold in memory: the last days of a table, merged by what the API can ask for.

From the state of a table and what a statement reads to a DataFrame with the columns that
`serving.queries` names, or none. What is held belongs to one version, and is given for a later one
with the files that were added since, so no answer changes; any other is read from Delta
(docs/adr/0013).

Each row is held twice: by bucket and by all that can be asked for; and, merged further, by day and
by what endpoints group by when nothing else is asked for.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import structlog
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from schemas.gold import GOLD_TABLES
from schemas.table import GoldTable
from serving.additions import Additions, ReadCommit
from serving.delta_log import TableState
from serving.endpoints import ENDPOINTS, Endpoint
from serving.reading import Reading

log = structlog.get_logger()

# The default range of 7 days, and the period before it.
HELD_DAYS = 15
# Loading costs about as much as so many answers from Delta: so often a table is asked for before
# it is loaded.
ASKED_BEFORE = 2
# Opening a file takes as long as many rows of it: with more, the table is loaded anew.
MOST_ADDED = 16
# Of a table that changes all the time, the least part of the time that goes by without a load.
_REST_PER_LOAD = 10
_SHORTEST_REST_S = 5.0

_BUCKET, _DAY = "bucket", "day"
# Frames that are kept for who asks the same.
_MOST_CHOSEN = 64

_TABLES = {table.name: table for table in GOLD_TABLES}

# A table's files by their paths in its log, as rows of its schema.
OpenFiles = Callable[[str, StructType, tuple[str, ...]], DataFrame]


@dataclass
class _Held:
    """Rows of one version of a table, from the day `since` on, and what was added to it later.

    all: rows of the levels BUCKET and DAY; dimensions, by_day: the dimensions of these.
    bytes: of the files that they lie in.
    """

    state: TableState
    since: date
    dimensions: frozenset[str]
    by_day: frozenset[str]
    all: DataFrame
    schema: StructType
    bytes: int
    additions: Additions
    _chosen: dict[tuple[frozenset[date] | None, tuple[str, ...]], DataFrame] = field(
        default_factory=dict
    )

    def find_added(self, state: TableState) -> tuple[str, ...] | None:
        """The files added up to a later version; none if what is held is no part of it."""
        if state.generation != self.state.generation:
            return None
        return self.additions.find(state.version)

    def choose(
        self, name: str, reading: Reading, added: tuple[str, ...], open_files: OpenFiles
    ) -> DataFrame | None:
        """The fewest rows that will do; none where older ones are needed."""
        if reading.since < self.since:
            return None
        asked = reading.dimensions & self.dimensions
        split = reading.split_days if self.by_day and asked <= self.by_day else None
        key = split, added
        if key not in self._chosen:
            if len(self._chosen) > _MOST_CHOSEN:
                self._chosen.clear()
            # Made once, for each step of a plan that PySpark is told of takes milliseconds. And
            # never the frame itself: when a view is dropped (serving/views.py), Spark forgets what
            # it has cached of the view's plan.
            rows = self.all.where(_choose_level(split)).drop("level")
            if added:
                files = open_files(name, self.schema, added)
                rows = rows.unionByName(files.select(*rows.columns))
            self._chosen[key] = rows
        return self._chosen[key]


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
    """How often a table was asked for in vain since its last load, and the latest version."""

    state: TableState
    asked: int = 0


class HotTables:
    """At most one version of each table that an endpoint reads. Thread-safe."""

    def __init__(
        self,
        open_table: Callable[[str, TableState], DataFrame],
        open_files: OpenFiles,
        read_commit: ReadCommit,
        max_bytes: int,
        endpoints: Iterable[Endpoint] = ENDPOINTS,
    ) -> None:
        """max_bytes: of all tables' files together, as they lie in the lake; 0: hold nothing."""
        self._open_table, self._open_files = open_table, open_files
        self._read_commit = read_commit
        self._max_bytes = max_bytes
        self._dimensions = find_dimensions(endpoints)
        self._by_day = find_grouped(endpoints)
        self._wanted: dict[str, _Wanted] = {}
        self._held: dict[str, _Held] = {}
        # Of tables that are being loaded, for ever; of others, from when on they may be again.
        self._rests_until: dict[str, float] = {}
        self._is_closed = False
        self._lock = threading.Lock()
        self._loader = ThreadPoolExecutor(1, "hot-tables")

    @property
    def versions(self) -> dict[str, int]:
        """Table -> the version that is held of it."""
        with self._lock:
            return {name: held.state.version for name, held in self._held.items()}

    def find(self, name: str, state: TableState, reading: Reading | None) -> DataFrame | None:
        """The table's rows for this reading, if they can be had from memory; counts the asking."""
        if reading is None or name not in self._dimensions or not self._max_bytes:
            return None
        with self._lock:
            held = self._held.get(name)
            if held and _is_newer(held.state, state):
                return None  # the past is read from Delta
            added = held.find_added(state) if held else None
            if held is None or added is None:
                self._want(name, state)
                return None
            if len(added) >= MOST_ADDED:
                self._load_soon(name, state)
            return held.choose(name, reading, added, self._open_files)

    def close(self, *, finish: bool = False) -> None:
        """Begin no load any more, and wait for the one that runs; finish: for all that are due.

        Spark must not end under a load: its thread would wait for an answer, and the process for
        the thread, for ever.
        """
        with self._lock:
            self._is_closed = True
        self._loader.shutdown(wait=True, cancel_futures=not finish)

    def _want(self, name: str, state: TableState) -> None:
        wanted = self._wanted.setdefault(name, _Wanted(state))
        if _is_newer(wanted.state, state):
            return
        wanted.state = state
        wanted.asked += 1
        if wanted.asked >= ASKED_BEFORE:
            self._load_soon(name, state)

    def _load_soon(self, name: str, state: TableState) -> None:
        if not self._is_closed and time.monotonic() >= self._rests_until.get(name, 0.0):
            self._rests_until[name] = math.inf
            self._loader.submit(self._load, name, state)

    def _load(self, name: str, state: TableState) -> None:
        """Hold the version, if it fits beside what is held of other tables."""
        began = time.monotonic()
        held = None
        try:
            held = self._merge(name, state)
        except Exception:  # whatever it is, nobody waits for it here, and Delta has the rows
            log.exception("table_not_held", table=name)
        rest_s = max((time.monotonic() - began) * _REST_PER_LOAD, _SHORTEST_REST_S)
        with self._lock:
            before = self._held.pop(name, None)
            if held:
                self._held[name] = held
            self._wanted.pop(name, None)
            self._rests_until[name] = time.monotonic() + rest_s
        if before:
            before.all.unpersist()

    def _merge(self, name: str, state: TableState) -> _Held | None:
        since = datetime.now(UTC).date() - timedelta(days=HELD_DAYS)
        whole = self._open_table(name, state)
        table = whole.where(F.col("date") >= F.lit(since))
        size = _measure(table)
        if size == _measure(whole):
            since = date.min  # nothing is older
        others = sum(held.bytes for other, held in list(self._held.items()) if other != name)
        if others + size > self._max_bytes:
            log.info("table_not_held", table=name, bytes=size, max_bytes=self._max_bytes)
            return None
        dimensions, by_day = self._dimensions[name], self._by_day.get(name, frozenset())
        rows = merge_levels(table, _TABLES[name], dimensions, by_day).persist()
        rows.count()
        log.info("table_held", table=name, version=state.version, bytes=size)
        additions = Additions(name, state.version, self._read_commit)
        return _Held(state, since, dimensions, by_day, rows, whole.schema, size, additions)


def find_dimensions(endpoints: Iterable[Endpoint]) -> dict[str, frozenset[str]]:
    """Table -> those of its dimensions by which any endpoint groups or selects."""
    return _collect(endpoints, lambda endpoint: {*endpoint.dimensions, *endpoint.filters})


def find_grouped(endpoints: Iterable[Endpoint]) -> dict[str, frozenset[str]]:
    """Table -> those of its dimensions by which endpoints group what is asked for by the day."""
    by_day = [endpoint for endpoint in endpoints if not endpoint.kinds]
    return _collect(by_day, lambda endpoint: {*endpoint.group_by})


def _collect(
    endpoints: Iterable[Endpoint], name: Callable[[Endpoint], set[str]]
) -> dict[str, frozenset[str]]:
    """Table -> its dimensions that are named by an endpoint which reads it, or always."""
    found: dict[str, set[str]] = {}
    for endpoint in endpoints:
        for table in endpoint.tables:
            named = name(endpoint) | {*table.kept_apart}
            found.setdefault(table.name, {"site_id", "is_bot"}).update(named)
    return {
        table: frozenset(_TABLES[table].dimensions.keys() & named) for table, named in found.items()
    }


def merge_levels(
    partials: DataFrame,
    table: GoldTable,
    dimensions: Iterable[str],
    by_day: Iterable[str],
) -> DataFrame:
    """Partials of the level BUCKET, one row per bucket and `dimensions`, and of the level DAY.

    These are one row per day and the dimensions `by_day`, the day's start as the bucket and no
    others; none at all without `by_day`. The stored columns keep names and types.
    """
    rows = _merge(partials, table, _BUCKET, dimensions)
    if by_day:
        days = partials.withColumn("bucket", F.date_trunc("day", "bucket"))
        # Not by GROUPING SETS: in a statement that reads a held table twice, as a comparison does,
        # Spark does not know the second one for the plan that it has cached.
        days = _merge(days, table, _DAY, by_day)
        rows = rows.unionByName(days, allowMissingColumns=True)
    # In this order, so that Spark can leave out what is not of a day.
    return rows.coalesce(1).sortWithinPartitions("level", "bucket")


def _merge(
    partials: DataFrame, table: GoldTable, level: str, dimensions: Iterable[str]
) -> DataFrame:
    merged = map(F.expr, table.merge_columns(dict(partials.dtypes)))
    rows = partials.groupBy("bucket", "date", *dimensions).agg(*merged)
    return rows.withColumn("level", F.lit(level))


def _is_newer(state: TableState, than: TableState) -> bool:
    return (state.generation, state.version) > (than.generation, than.version)


def _measure(table: DataFrame) -> int:
    """Bytes of the files that the rows lie in."""
    plan = table._jdf.queryExecution().optimizedPlan()
    return int(plan.stats().sizeInBytes())
