"""The files a table is made of now, and the session that maintenance works in.

From Delta's own snapshot of the table, so on any file system.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pyspark.sql import DataFrame

from streaming.delta_log import latest_version, read_commit, read_metadata
from streaming.files import local_path
from streaming.runtime import Runtime

_MIB = 1024 * 1024
_PROPERTIES = {
    # Into so many tasks VACUUM parts the listing of a table; Spark's 10,000 take ten minutes.
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "8",
    # The retention is that of our settings, checked by `streaming.maintenance.vacuum`.
    "spark.databricks.delta.vacuum.retentionWindowIgnore.enabled": "false",
    "spark.databricks.delta.retentionDurationCheck.enabled": "false",
    # It would commit, without holding the table.
    "spark.databricks.delta.vacuum.logging.enabled": "false",
    # What is written again is many rows, file after file: the other cores are the flows'.
    "spark.sql.codegen.factoryMode": "FALLBACK",
    "spark.databricks.delta.optimize.maxThreads": "1",
}
# What readers look for in the last commits of a table (serving/freshness.py).
_SAID = ("as_of", "complete_until")
_VERSIONS_BACK = 200
_PARTITION = "partition."


@dataclass(frozen=True)
class FileSizes:
    """Files below `small` are put together to `target`; bytes."""

    small: int
    target: int

    @property
    def properties(self) -> dict[str, str]:
        """What OPTIMIZE in a session goes by."""
        return {
            "spark.databricks.delta.optimize.minFileSize": str(self.small),
            "spark.databricks.delta.optimize.maxFileSize": str(self.target),
        }


# What small batches leave, and no file of a backlog.
FLOW_SIZES = FileSizes(small=_MIB, target=8 * _MIB)
# `maintain` goes on with what the flows have made.
MAINTAIN_SIZES = FileSizes(small=32 * _MIB, target=128 * _MIB)


@dataclass(frozen=True)
class DataFile:
    """A file of the table's present version; partition values are text, as in the log."""

    size: int
    partition_values: dict[str, str | None]


def open_session(runtime: Runtime) -> Runtime:
    """The same in a Spark session of its own, with the settings of maintenance."""
    session = runtime.spark.newSession()
    for name, value in _PROPERTIES.items():
        session.conf.set(name, value)
    return replace(runtime, spark=session)


def list_files(runtime: Runtime, name: str) -> list[DataFile]:
    """The files of the newest version; without a query on a local lake."""
    path = local_path(runtime.table(name))
    if path is None:
        return query_files(runtime, name)
    from deltalake import DeltaTable

    files: Any = DeltaTable(str(path)).get_add_actions(flatten=True)
    sizes = files["size_bytes"].to_pylist()
    columns = [column for column in files.column_names if column.startswith(_PARTITION)]
    values = {column.removeprefix(_PARTITION): files[column].to_pylist() for column in columns}
    return [
        DataFile(size, {name: _as_text(rows[place]) for name, rows in values.items()})
        for place, size in enumerate(sizes)
    ]


def _as_text(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)


def query_files(runtime: Runtime, name: str) -> list[DataFile]:
    """The same from Spark, for a lake on another file system."""
    _, snapshot = open_delta_log(runtime, runtime.table(name))
    files = DataFrame(snapshot.allFiles().toDF(), runtime.spark)
    rows = files.select("size", "partitionValues").collect()
    return [DataFile(row.size, dict(row.partitionValues)) for row in rows]


def open_delta_log(runtime: Runtime, uri: str) -> tuple[Any, Any]:
    """Delta's own log of a table, and its snapshot of the newest version (objects of the JVM)."""
    jvm: Any = runtime.spark._jvm
    log = jvm.org.apache.spark.sql.delta.DeltaLog.forTable(runtime.spark._jsparkSession, uri)
    # Scala's default arguments must be given one by one.
    defaults = [getattr(log, f"update$default${number}")() for number in (1, 2, 3)]
    return log, log.update(*defaults)


def last_said(runtime: Runtime, name: str) -> Mapping[str, Any]:
    """How far the table's data goes, as its last commits say: maintenance says it again."""
    uri = runtime.table(name)
    newest = latest_version(uri)
    for version in range(newest, max(newest - _VERSIONS_BACK, -1), -1):
        said = read_metadata(read_commit(uri, version) or [])
        if found := {key: said[key] for key in _SAID if key in said}:
            return found
    return {}
