"""Reads the lake: the tables' versions, and statements over exactly these versions.

From a `Statement` and the `TableState` of each table it names to rows. Never writes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from schemas.gold import GOLD_TABLES
from serving.delta_log import LocalFiles, LogFiles, TableLog, TableState, local_path
from serving.errors import NotReady, QueryFailed
from serving.queries import SOURCES, Statement, view_name

TABLES = (*(table.name for table in GOLD_TABLES), *SOURCES)
# Versions kept open: the current one of each table, and a few that running queries still read.
_OPEN_TABLES = 4 * len(TABLES)

States = dict[str, TableState]


class GoldReader:
    """The lake as the API sees it. Thread-safe."""

    def __init__(self, spark: SparkSession, lake_root: str) -> None:
        self._spark = spark
        self._root = lake_root
        path = local_path(lake_root)
        files: LogFiles = HadoopFiles(spark) if path is None else LocalFiles()
        self._logs = {
            name: TableLog(f"{path or lake_root}/{name.replace('.', '/')}", files)
            for name in TABLES
        }
        self._opened: OrderedDict[tuple[str, int, str], DataFrame] = OrderedDict()
        self._generations: dict[str, int] = {}
        # Two, so that opening a table in Spark does not hold up answers from the cache.
        self._log_lock = threading.Lock()
        self._open_lock = threading.Lock()

    def read_states(self) -> States:
        """The present state of every table there is. Raises NotReady if the lake is unreadable."""
        with self._log_lock:
            try:
                found = {name: log.refresh() for name, log in self._logs.items()}
            except (OSError, Py4JJavaError) as error:
                raise NotReady(f"the lake cannot be read now: {type(error).__name__}") from error
        return {name: state for name, state in found.items() if state}

    def run(self, statement: Statement, states: States, job_group: str) -> list[tuple[Any, ...]]:
        """The statement's rows. Each table is read as of its version in `states`."""
        self._spark.sparkContext.setJobGroup(job_group, "metric query")
        try:
            tables = {
                view_name(name): self.open_table(name, states[name]) for name in statement.tables
            }
            frame = self._spark.sql(statement.sql, statement.args, **tables)
            return [tuple(row) for row in frame.collect()]
        except (PySparkException, Py4JJavaError) as error:
            raise QueryFailed("Spark could not run the query.") from error
        finally:
            # The thread goes on to other work, which must not be cancelled with this query.
            self._spark.sparkContext.setLocalProperty("spark.jobGroup.id", None)  # type: ignore[arg-type]  # None takes it away

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
            path = f"{self._root}/{name.replace('.', '/')}"
            if self._generations.setdefault(name, state.generation) != state.generation:
                self._forget_log(path)
                self._generations[name] = state.generation
            reader = self._spark.read.format("delta").option("versionAsOf", state.version)
            self._opened[key] = reader.load(path)
            while len(self._opened) > _OPEN_TABLES:
                self._opened.popitem(last=False)
            return self._opened[key]

    def _forget_log(self, path: str) -> None:
        """Another history took the table's place: Delta must not go on with the one it knows."""
        jvm: Any = self._spark._jvm
        hadoop_path = jvm.org.apache.hadoop.fs.Path(path)
        jvm.org.apache.spark.sql.delta.DeltaLog.invalidateCache(
            self._spark._jsparkSession, hadoop_path
        )


class HadoopFiles:
    """Files of any Hadoop file system, through the JVM."""

    def __init__(self, spark: SparkSession) -> None:
        self._jvm: Any = spark._jvm
        self._conf = spark.sparkContext._jsc.hadoopConfiguration()

    def list_names(self, folder: str) -> Iterable[str]:
        system, path = self._locate(folder)
        if not system.exists(path):
            raise FileNotFoundError(folder)
        return [status.getPath().getName() for status in system.listStatus(path)]

    def read_lines(self, path: str) -> Iterable[str]:
        system, located = self._locate(path)
        stream = system.open(located)
        try:
            text: str = self._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8")
        finally:
            stream.close()
        return text.splitlines()

    def fingerprint(self, path: str) -> str | None:
        system, located = self._locate(path)
        if not system.exists(located):
            return None
        status = system.getFileStatus(located)
        return f"{status.getLen()}-{status.getModificationTime()}"

    def _locate(self, uri: str) -> tuple[Any, Any]:
        path = self._jvm.org.apache.hadoop.fs.Path(uri)
        return path.getFileSystem(self._conf), path
