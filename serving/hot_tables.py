"""Gold in memory: the last days of a table, merged by what the API can ask for.

From the state of a table and the first day a statement reads to a DataFrame with the columns that
`serving.queries` names, or none. What is held belongs to one version and is given for that version
only, so no answer changes; any other is read from Delta (docs/adr/0013).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import structlog
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas.gold import GOLD_TABLES
from schemas.table import GoldTable
from serving.delta_log import TableState
from serving.endpoints import ENDPOINTS, Endpoint

log = structlog.get_logger()

# The default range of 7 days, and the period before it.
HELD_DAYS = 15
# Loading costs about as much as so many answers from Delta: so often a version is asked for
# before it is loaded. Of a table that changes every second or two that is seldom.
ASKED_BEFORE = 2

_TABLES = {table.name: table for table in GOLD_TABLES}


@dataclass
class _Version:
    """One version of a table: how often it was asked for, and its rows once they are held."""

    state: TableState
    asked: int = 0
    since: date = date.max
    rows: DataFrame | None = None
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
        self._wanted: dict[str, _Version] = {}
        self._held: dict[str, _Version] = {}
        self._lock = threading.Lock()
        self._loader = ThreadPoolExecutor(1, "hot-tables")

    def find(self, name: str, state: TableState, since: date | None) -> DataFrame | None:
        """The table's rows from the day `since` on, if this version is held; counts the asking."""
        if since is None or name not in self._dimensions or not self._max_bytes:
            return None
        with self._lock:
            held = self._held.get(name)
            if held and held.state == state:
                if held.rows is None or since < held.since:
                    return None
                # Not the frame itself: PySpark drops the view that it makes of an argument, and
                # Spark forgets what it has cached of a view's plan when the view is dropped.
                return held.rows.where("true")
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
            table = self._open_table(name, version.state).where(F.col("date") >= F.lit(since))
            size = _measure(table)
            others = sum(held.bytes for held in list(self._held.values()))
            if others + size > self._max_bytes:
                log.info("table_not_held", table=name, bytes=size, max_bytes=self._max_bytes)
                return
            rows = merge_partials(table, _TABLES[name], self._dimensions[name]).persist()
            rows.count()
        except Exception:  # whatever it is, nobody waits for it here, and Delta has the rows
            log.exception("table_not_held", table=name)
            return
        version.rows, version.since, version.bytes = rows, since, size
        with self._lock:
            self._held[name] = version
            if self._wanted[name] is not version:
                self._let_go(name)
                return
        log.info("table_held", table=name, version=version.state.version, bytes=size)

    def _let_go(self, name: str) -> None:
        """Nobody asks for it any more, or reads the same rows from Delta."""
        held = self._held.pop(name, None)
        if held and held.rows is not None:
            held.rows.unpersist()


def find_dimensions(endpoints: Iterable[Endpoint]) -> dict[str, tuple[str, ...]]:
    """Table -> those of its dimensions by which any endpoint groups or selects."""
    found: dict[str, set[str]] = {}
    for endpoint in endpoints:
        for table in endpoint.tables:
            named = {*endpoint.dimensions, *endpoint.filters, *table.kept_apart}
            found.setdefault(table.name, {"site_id", "is_bot"}).update(named)
    return {
        name: tuple(one for one in _TABLES[name].dimensions if one in named)
        for name, named in found.items()
    }


def merge_partials(partials: DataFrame, table: GoldTable, dimensions: Iterable[str]) -> DataFrame:
    """One row per bucket and these dimensions; the stored columns keep names and types."""
    merged = map(F.expr, table.merge_columns(dict(partials.dtypes)))
    return partials.groupBy("bucket", "date", *dimensions).agg(*merged)


def _is_newer(state: TableState, than: TableState) -> bool:
    return (state.generation, state.version) > (than.generation, than.version)


def _measure(table: DataFrame) -> int:
    """Bytes of the files that the rows lie in."""
    plan = table._jdf.queryExecution().optimizedPlan()
    return int(plan.stats().sizeInBytes())
