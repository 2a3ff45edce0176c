"""Gold in memory: which tables are held there, of which version, and when they are loaded.

From the states of the tables and what a statement reads to one DataFrame with the columns that
`serving.queries` names, or none. What is held (serving/held.py) belongs to one version of each, and
is given for later ones with the files that were added since, so no answer changes; any other is
read from Delta (docs/adr/0013).
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import structlog
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from serving.additions import Additions, ReadCommit
from serving.delta_log import TableState
from serving.endpoint import Endpoint
from serving.endpoints import ENDPOINTS
from serving.held import Added, Group, Held, Names, OpenFiles, States, find_groups, merge_levels
from serving.reading import Reading

log = structlog.get_logger()

# The default range of 7 days, and the period before it.
HELD_DAYS = 15
# Loading costs about as much as so many answers from Delta: so often tables are asked for before
# they are loaded.
ASKED_BEFORE = 2
# More files or bytes than these are merged in memory: opening a file takes as long as many rows of
# it, and what was added is not merged.
MOST_ADDED, MOST_ADDED_BYTES = 6, 256 * 1024
# So much of it is merged again and again beside what is held, before all is loaded anew.
_MOST_RECENT_BYTES = 4 * 1024 * 1024
# Of tables that change all the time, for so many times as long as a load took there is none.
_REST_PER_LOAD = 4
_SHORTEST_REST_S = 5.0


@dataclass
class _Wanted:
    """How often a group was asked for in vain since its last load, and the latest versions."""

    states: States
    asked: int = 0


class HotTables:
    """One or two versions of the tables of each group that endpoints read. Thread-safe."""

    def __init__(
        self,
        open_table: Callable[[str, TableState], DataFrame],
        open_files: OpenFiles,
        read_commit: ReadCommit,
        max_bytes: int,
        endpoints: Iterable[Endpoint] = ENDPOINTS,
        begin_loading: Callable[[], None] | None = None,
    ) -> None:
        """max_bytes: of all groups' files together, as they lie in the lake; 0: hold nothing.

        begin_loading: called once in the thread that will load.
        """
        self._open_table, self._open_files = open_table, open_files
        self._read_commit = read_commit
        self._max_bytes = max_bytes
        self._groups = find_groups(endpoints)
        self._wanted: dict[Names, _Wanted] = {}
        # The latest, and the one before it for who asked before it was there.
        self._held: dict[Names, tuple[Held, ...]] = {}
        # Of groups that are being loaded, for ever; of others, from when on they may be again.
        self._rests_until: dict[Names, float] = {}
        self._is_closed = False
        self._lock = threading.Lock()
        self._loader = ThreadPoolExecutor(1, "hot-tables", begin_loading)

    def find_versions(self, names: Names) -> tuple[int, ...] | None:
        """The latest versions that are held of these tables."""
        with self._lock:
            held = self._held.get(names)
            return tuple(held[0].until[name].version for name in names) if held else None

    def find(self, states: States, reading: Reading | None) -> DataFrame | None:
        """The rows for this reading, if they can be had from memory; counts the asking.

        With a column SOURCE_COLUMN, the table that a row is of; null what that table has not.
        """
        if reading is None or reading.tables not in self._groups or not self._max_bytes:
            return None
        names = reading.tables
        with self._lock:
            all_held = self._held.get(names, ())
            held = next((one for one in all_held if not _is_any_newer(one.until, states)), None)
            if all_held and held is None:
                return None  # the past is read from Delta
            added = held.find_added(states) if held else None
            if held is None or added is None:
                # What was taken out of the tables must not stay here.
                _let_go(self._held.pop(names, ()))
                self._want(names, states)
                return None
            later = held.leave_recent(added)
            if held is all_held[0] and _is_much(later):
                self._load_soon(names, states)
            return held.choose(reading, later, self._open_files)

    def load_all(self, states: States) -> None:
        """Hold every group whose tables are all there, before anybody asks for it."""
        with self._lock:
            for names in self._groups if self._max_bytes else ():
                if names not in self._held and states.keys() >= {*names}:
                    self._load_soon(names, states)

    def forget(self, names: Names) -> None:
        """Let go of rows that cannot be read: files were cleaned up that they are made of."""
        with self._lock:
            _let_go(self._held.pop(names, ()))

    def close(self, *, finish: bool = False) -> None:
        """Begin no load any more, and wait for the one that runs; finish: for all that are due.

        Spark must not end under a load: its thread would wait for an answer, and the process for
        the thread, for ever.
        """
        with self._lock:
            self._is_closed = True
        self._loader.shutdown(wait=True, cancel_futures=not finish)

    def _want(self, names: Names, states: States) -> None:
        asked = {name: states[name] for name in names}
        wanted = self._wanted.setdefault(names, _Wanted(asked))
        if _is_any_newer(wanted.states, states):
            return
        wanted.states = asked
        wanted.asked += 1
        if wanted.asked >= ASKED_BEFORE:
            self._load_soon(names, states)

    def _load_soon(self, names: Names, states: States) -> None:
        if not self._is_closed and time.monotonic() >= self._rests_until.get(names, 0.0):
            self._rests_until[names] = math.inf
            self._loader.submit(self._load, names, {name: states[name] for name in names})

    def _load(self, names: Names, states: States) -> None:
        """Hold these versions: add to what is held, or make it anew if it fits beside the rest."""
        began = time.monotonic()
        with self._lock:
            before = self._held.get(names, ())[:1]
        held = None
        try:
            held = self._add(before[0], states) if before else None
            held = held or self._merge(self._groups[names], states)
        except Exception:  # whatever it is, nobody waits for it here, and Delta has the rows
            log.exception("tables_not_held", tables=names)
        rest_s = max((time.monotonic() - began) * _REST_PER_LOAD, _SHORTEST_REST_S)
        with self._lock:
            earlier = self._held.pop(names, ())
            # What it would go on with may have been let go meanwhile.
            if held and before == earlier[:1]:
                self._held[names] = (held, *before)
                if self._count_bytes() > self._max_bytes:
                    self._held[names] = (held,)
            _let_go((*earlier, *([held] if held else [])), self._held.get(names, ()))
            self._wanted.pop(names, None)
            self._rests_until[names] = time.monotonic() + rest_s

    def _count_bytes(self, *, besides: Names = ()) -> int:
        """Of all that is held, besides one group."""
        found = [one for names, held in self._held.items() if names != besides for one in held]
        return sum({id(one.base): one.bytes for one in found}.values())

    def _add(self, held: Held, states: States) -> Held | None:
        """The same with all that was added; none if it was much, or not all that was done."""
        with self._lock:
            added = held.find_added(states)
        if added is None or _count_added(added) > _MOST_RECENT_BYTES:
            return None
        held = held.add(held.leave_recent(added), states, self._open_files)
        log.info("tables_added_to", tables=held.group.names, versions=_versions(states))
        return held

    def _merge(self, group: Group, states: States) -> Held | None:
        since = datetime.now(UTC).date() - timedelta(days=HELD_DAYS)
        whole = {name: self._open_table(name, states[name]) for name in group.names}
        tables = {name: rows.where(F.col("date") >= F.lit(since)) for name, rows in whole.items()}
        size = sum(map(_measure, tables.values()))
        if size == sum(map(_measure, whole.values())):
            since = date.min  # nothing is older
        with self._lock:
            others = self._count_bytes(besides=group.names)
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
        return Held(group, states, since, rows, size, schemas, additions, until=states)


def _is_much(added: Added) -> bool:
    """Whether it takes longer to read than what is held."""
    files = sum(len(of_table) for _, of_table in added)
    return files > MOST_ADDED or _count_added(added) > MOST_ADDED_BYTES


def _count_added(added: Added) -> int:
    return sum(file.bytes for _, of_table in added for file in of_table)


def _let_go(some: tuple[Held, ...], stay: tuple[Held, ...] = ()) -> None:
    """Free the memory of what those that stay do not go on with."""
    kept = [rows for held in stay for rows in held.kept]
    for rows in (rows for held in some for rows in held.kept):
        if not any(rows is one for one in kept):
            rows.unpersist()


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
