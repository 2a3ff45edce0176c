"""Reads the lake: the tables' versions, and statements over exactly these versions.

From a `Statement` and the `TableState` of each table it names to rows. Never writes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from schemas.gold import GOLD_TABLES
from schemas.history import HISTORY_FILE, Floor, parse_floors
from serving.commit_times import Commits, CommitTimes
from serving.delta_log import LocalFiles, LogFiles, TableLog, TableState, local_path
from serving.errors import NotReady, QueryFailed, VersionGone
from serving.hadoop_files import HadoopFiles
from serving.hot_tables import HotTables
from serving.queries import SOURCES, Statement, view_name
from serving.views import Views

TABLES = (*(table.name for table in GOLD_TABLES), *SOURCES)
# Versions kept open: the current one of each table, and a few that running queries still read.
_OPEN_TABLES = 4 * len(TABLES)

# Spark's names for: data files or commits that a version is made of are deleted.
_GONE = (
    "FAILED_READ_FILE.FILE_NOT_EXIST",
    "PATH_NOT_FOUND",
    "DELTA_FILE_NOT_FOUND",
    "DELTA_LOG_FILE_NOT_FOUND",
    "DELTA_VERSION_NOT_FOUND",
    "DELTA_VERSIONS_NOT_CONTIGUOUS",
    "DELTA_NO_RECREATABLE_HISTORY_FOUND",
)

# Of Spark's fair scheduler: a pool gets as many of the cores as any other.
_LOADING = "loading"

States = dict[str, TableState]


class GoldReader:
    """The lake as the API sees it. Thread-safe."""

    def __init__(self, spark: SparkSession, lake_root: str, hot_bytes: int = 0) -> None:
        """hot_bytes: of Gold to hold in memory, see `HotTables`."""
        self._spark = spark
        self._views = Views(spark)
        self.hot = HotTables(
            self.open_table,
            self._open_files,
            self.read_commit,
            hot_bytes,
            begin_loading=self._take_own_share,
        )
        self._root = lake_root
        path = local_path(lake_root)
        files: LogFiles = HadoopFiles(spark) if path is None else LocalFiles()
        root = path or lake_root
        paths = {name: _find_folder(root, name) for name in TABLES}
        self._files, self._history = files, f"{root}/{HISTORY_FILE}"
        self._logs = {name: TableLog(path, files) for name, path in paths.items()}
        self._commits = {name: CommitTimes(path, files) for name, path in paths.items()}
        self._opened: OrderedDict[tuple[str, int, str], DataFrame] = OrderedDict()
        self._generations: dict[str, int] = {}
        # Two, so that opening a table in Spark does not hold up answers from the cache.
        self._log_lock = threading.Lock()
        self._open_lock = threading.Lock()
        # Apart from the present: listing a long log must not hold up those who ask for now.
        self._past_lock = threading.Lock()

    def read_states(self) -> States:
        """The present state of every table there is. Raises NotReady if the lake is unreadable."""
        with self._log_lock:
            try:
                found = {name: log.refresh() for name, log in self._logs.items()}
            except (OSError, Py4JJavaError) as error:
                raise _unreadable(error) from error
        return {name: state for name, state in found.items() if state}

    def read_commits(self, name: str, state: TableState, until: datetime | None) -> Commits:
        """The table's commits up to a time (or further), None: to `state`. Raises NotReady."""
        with self._past_lock:
            try:
                return self._commits[name].read(state, until)
            except (OSError, Py4JJavaError) as error:
                raise _unreadable(error) from error

    def read_state(self, name: str, version: int) -> TableState | None:
        """A table's state at a version; None where its log has it no more. Raises NotReady."""
        with self._past_lock:
            try:
                return self._logs[name].read_state(version)
            except FileNotFoundError:
                return None
            except (OSError, Py4JJavaError) as error:
                raise _unreadable(error) from error

    def read_commit(self, name: str, version: int) -> list[dict[str, Any]]:
        """The actions of one version, empty where the log has it no more. Raises NotReady."""
        try:
            return self._logs[name].read_actions(version)
        except FileNotFoundError:
            return []
        except (OSError, Py4JJavaError) as error:
            raise _unreadable(error) from error

    def read_floors(self) -> dict[str, Floor]:
        """From which version on each table may be asked for as it was. Raises NotReady."""
        try:
            if self._files.fingerprint(self._history) is None:
                return {}
            return parse_floors("".join(self._files.read_lines(self._history)))
        except (OSError, Py4JJavaError, ValueError) as error:
            raise _unreadable(error) from error

    def run(self, statement: Statement, states: States, job_group: str) -> list[tuple[Any, ...]]:
        """The statement's rows. Each table is read as of its version in `states`."""
        self._spark.sparkContext.setJobGroup(job_group, "metric query")
        try:
            rows = self._run_held(statement, states)
            if rows is None:
                tables = {name: self.open_table(name, states[name]) for name in statement.tables}
                rows = self.run_over(statement, tables)
            return rows
        except (PySparkException, Py4JJavaError) as error:
            failed = VersionGone if _is_gone(error) else QueryFailed
            raise failed("Spark could not run the query.") from error
        finally:
            # The thread goes on to other work, which must not be cancelled with this query.
            self._spark.sparkContext.setLocalProperty("spark.jobGroup.id", None)  # type: ignore[arg-type]  # None takes it away

    def _run_held(self, statement: Statement, states: States) -> list[tuple[Any, ...]] | None:
        """The statement's rows from what is held in memory of Gold, if that will do."""
        reading, held_sql = statement.reading, statement.held_sql
        if reading is None or held_sql is None:
            return None
        others = [name for name in statement.tables if name not in reading.tables]
        try:
            held = self.hot.find(states, reading)
            if held is None:
                return None
            tables = {name: self.open_table(name, states[name]) for name in others}
            return self.run_over(replace(statement, sql=held_sql), {**tables, "held": held})
        except (PySparkException, Py4JJavaError) as error:
            if not _is_gone(error):
                raise
            self.hot.forget(reading.tables)
            return None

    def run_over(
        self, statement: Statement, tables: Mapping[str, DataFrame]
    ) -> list[tuple[Any, ...]]:
        """The statement's rows, over tables that are open."""
        views = {view_name(name): self._views.name(table) for name, table in tables.items()}
        frame = self._spark.sql(statement.sql.format(**views), statement.args)
        return [tuple(row) for row in frame.collect()]

    def hold_all(self) -> None:
        """Begin to hold in memory what of Gold may be. Raises NotReady."""
        self.hot.load_all(self.read_states())

    def cancel(self, job_group: str) -> None:
        """Stop the query, also if it has not come as far as its first job."""
        context = self._spark.sparkContext._jsc.sc()
        context.cancelJobGroupAndFutureJobs(job_group)

    def open_table(self, name: str, state: TableState) -> DataFrame:
        """A table as of its version in `state`."""
        key = (name, state.version, state.commit_id)
        with self._open_lock:
            if key in self._opened:
                self._opened.move_to_end(key)
                return self._opened[key]
            path = _find_folder(self._root, name)
            if self._generations.setdefault(name, state.generation) != state.generation:
                self._forget_log(path)
                self._generations[name] = state.generation
            reader = self._spark.read.format("delta").option("versionAsOf", state.version)
            self._opened[key] = reader.load(path)
            while len(self._opened) > _OPEN_TABLES:
                self._opened.popitem(last=False)
            return self._opened[key]

    def _open_files(self, name: str, schema: StructType, paths: tuple[str, ...]) -> DataFrame:
        """Data files of a table, by their paths in its log."""
        root = _find_folder(self._root, name)
        reader = self._spark.read.schema(schema).option("basePath", root)
        return reader.parquet(*(f"{root}/{unquote(path)}" for path in paths))

    def _take_own_share(self) -> None:
        """Have this thread's jobs not stand in line with those of queries."""
        self._spark.sparkContext.setLocalProperty("spark.scheduler.pool", _LOADING)

    def _forget_log(self, path: str) -> None:
        """Another history took the table's place: Delta must not go on with the one it knows."""
        jvm: Any = self._spark._jvm
        hadoop_path = jvm.org.apache.hadoop.fs.Path(path)
        jvm.org.apache.spark.sql.delta.DeltaLog.invalidateCache(
            self._spark._jsparkSession, hadoop_path
        )


def _find_folder(root: str, name: str) -> str:
    """Where a table lies: `gold.pages` in `<root>/gold/pages`."""
    return f"{root}/{name.replace('.', '/')}"


def _unreadable(error: Exception) -> NotReady:
    return NotReady(f"the lake cannot be read now: {type(error).__name__}")


def _is_gone(error: Exception) -> bool:
    """Whether files of the version that was asked for are no longer there."""
    text = str(error)
    return any(condition in text for condition in _GONE)
