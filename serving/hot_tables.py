"""Gold in memory: the last days of a table, merged by what the API can ask for.

From the state of a table and what a statement reads to a DataFrame with the columns that
`serving.queries` names, or none. What is held belongs to one version and is given for that version
only, so no answer changes; any other is read from Delta (docs/adr/0013).

Each row is held twice: by bucket and by all that can be asked for; and, merged further, by day and
by what endpoints group by when nothing else is asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import structlog
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas.gold import GOLD_TABLES
from schemas.table import GoldTable
from serving.delta_log import TableState
from serving.endpoints import ENDPOINTS, Endpoint
from serving.reading import Reading

log = structlog.get_logger()

# The default range of 7 days, and the period before it.
HELD_DAYS = 15
# Loading costs about as much as so many answers from Delta: so often a version is asked for
# before it is loaded. Of a table that changes every second or two that is seldom.
ASKED_BEFORE = 2

_BUCKET, _DAY = "bucket", "day"
# Frames of one version that are kept for who asks the same.
_MOST_CHOSEN = 64

_TABLES = {table.name: table for table in GOLD_TABLES}


@dataclass(frozen=True)
class _Rows:
    """Rows of a table from a day on, of the levels BUCKET and DAY, and the dimensions of these."""

    since: date
    dimensions: frozenset[str]
    by_day: frozenset[str]
    all: DataFrame
    _chosen: dict[frozenset[date] | None, DataFrame] = field(default_factory=dict)

    def choose(self, reading: Reading) -> DataFrame | None:
        """The fewest rows that will do; none where older ones are needed."""
        if reading.since < self.since:
            return None
        asked = reading.dimensions & self.dimensions
        split = reading.split_days if self.by_day and asked <= self.by_day else None
        if split not in self._chosen:
            if len(self._chosen) > _MOST_CHOSEN:
                self._chosen.clear()
            # Made once, for each step of a plan that PySpark is told of takes milliseconds. And
            # never the frame itself: when a view is dropped (serving/views.py), Spark forgets what
            # it has cached of the view's plan.
            self._chosen[split] = self.all.where(_choose_level(split))
        return self._chosen[split]


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
class _Version:
    """One version of a table: how often it was asked for, and its rows once they are held."""

    state: TableState
    asked: int = 0
    rows: _Rows | None = None
    bytes: int = 0


class HotTables:
    """At most one version of each table that an endpoint reads. Thread-safe."""

    def __init__(
        self,
        open_table: Callable[[str, TableState], DataFrame],
        max_bytes: int,
        endpoints: Iterable[Endpoint] = ENDPOINTS,
    ) -> None:
        """max_bytes: of all tables' files together, as they lie in the lake; 0: hold nothing."""
        self._open_table = open_table
        self._max_bytes = max_bytes
        self._dimensions = find_dimensions(endpoints)
        self._by_day = find_grouped(endpoints)
        self._wanted: dict[str, _Version] = {}
        self._held: dict[str, _Version] = {}
        self._lock = threading.Lock()
        self._loader = ThreadPoolExecutor(1, "hot-tables")

    def find(self, name: str, state: TableState, reading: Reading | None) -> DataFrame | None:
        """The table's rows for this reading, if this version is held; counts the asking."""
        if reading is None or name not in self._dimensions or not self._max_bytes:
            return None
        with self._lock:
            held = self._held.get(name)
            if held and held.rows and held.state == state:
                return held.rows.choose(reading)
            wanted = self._wanted.get(name)
            if wanted is None or _is_newer(state, wanted.state):
                wanted = self._wanted[name] = _Version(state)
                self._let_go(name)
            if wanted.state == state:
                wanted.asked += 1
                if wanted.asked == ASKED_BEFORE:
                    self._loader.submit(self._load, name, wanted)
        return None

    def close(self, *, finish: bool = False) -> None:
        """Begin no load any more, and wait for the one that runs; finish: for all that are due.

        Spark must not end under a load: its thread would wait for an answer, and the process for
        the thread, for ever.
        """
        self._loader.shutdown(wait=True, cancel_futures=not finish)

    def _load(self, name: str, version: _Version) -> None:
        """Hold the version, if it fits beside what is held of other tables."""
        try:
            since = datetime.now(UTC).date() - timedelta(days=HELD_DAYS)
            whole = self._open_table(name, version.state)
            table = whole.where(F.col("date") >= F.lit(since))
            size = _measure(table)
            if size == _measure(whole):
                since = date.min  # nothing is older
            others = sum(held.bytes for held in list(self._held.values()))
            if others + size > self._max_bytes:
                log.info("table_not_held", table=name, bytes=size, max_bytes=self._max_bytes)
                return
            dimensions, by_day = self._dimensions[name], self._by_day.get(name, frozenset())
            rows = merge_levels(table, _TABLES[name], dimensions, by_day).persist()
            rows.count()
        except Exception:  # whatever it is, nobody waits for it here, and Delta has the rows
            log.exception("table_not_held", table=name)
            return
        version.rows, version.bytes = _Rows(since, dimensions, by_day, rows), size
        with self._lock:
            self._held[name] = version
            if self._wanted[name] is not version:
                self._let_go(name)
                return
        log.info("table_held", table=name, version=version.state.version, bytes=size)

    def _let_go(self, name: str) -> None:
        """Nobody asks for it any more, or reads the same rows from Delta."""
        held = self._held.pop(name, None)
        if held and held.rows:
            held.rows.all.unpersist()


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
