"""A Delta table as it is now: how many rows it has and how new they are.

From the metadata of its active files, not from its data; without Spark on a local lake.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from streaming.files import local_path

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


# Transaction whose version is how many rows the table has let go of (streaming/maintenance).
EXPIRED = "retention:rows"


class MissingStatistics(Exception):
    """A data file has no row count in the log, so a count without a query would be a lie."""


@dataclass(frozen=True)
class Snapshot:
    """One version of a table. `newest`: the latest time in the column asked for.

    expired: rows that were let go of because of their age.
    """

    version: int
    rows: int
    newest: datetime | None
    expired: int = 0


def read_snapshot(uri: str, time_column: str) -> Snapshot | None:
    """The table's newest version, None where there is no table. Raises MissingStatistics."""
    path = local_path(uri)
    if path is None:
        return _query_snapshot(uri, time_column)
    from deltalake import DeltaTable
    from deltalake.exceptions import TableNotFoundError

    try:
        table = DeltaTable(str(path))
    except TableNotFoundError:
        return None
    files: Any = table.get_add_actions(flatten=True)
    counts: list[int | None] = files["num_records"].to_pylist()
    if None in counts:
        raise MissingStatistics(
            f"{counts.count(None)} of {len(counts)} files of {uri} have no row count in the log. "
            "Only the app writes these tables, and it keeps statistics: rewrite what something "
            "else put there."
        )
    column = f"max.{time_column}"
    times: list[datetime | None] = []
    if column in files.column_names:  # not where there is no file yet
        times = files[column].to_pylist()
    newest = max((time for time in times if time is not None), default=None)
    rows, expired = sum(count for count in counts if count), table.transaction_version(EXPIRED)
    return Snapshot(int(table.version()), rows, newest, expired or 0)


def _query_snapshot(uri: str, time_column: str) -> Snapshot | None:
    """The same from Spark, for a lake on another file system."""
    from delta.tables import DeltaTable
    from pyspark.sql import SparkSession
    from pyspark.sql import functions as F

    spark = SparkSession.getActiveSession()
    if spark is None or not DeltaTable.isDeltaTable(spark, uri):
        return None
    version = DeltaTable.forPath(spark, uri).history(1).collect()[0]["version"]
    rows = spark.read.format("delta").option("versionAsOf", version).load(uri)
    found: Any = rows.agg(F.count("*"), F.unix_micros(F.max(time_column))).collect()[0]
    newest = datetime.fromtimestamp(found[1] / 1_000_000, UTC) if found[1] is not None else None
    expired = read_transactions(spark, uri).get(EXPIRED, 0)
    return Snapshot(int(version), int(found[0]), newest, expired)


def read_transactions(spark: SparkSession, uri: str) -> dict[str, int]:
    """The last version of every transaction id in a table."""
    delta_log = spark._jvm.org.apache.spark.sql.delta.DeltaLog  # type: ignore[union-attr]
    snapshot = delta_log.forTable(spark._jsparkSession, uri).snapshot()
    transactions = snapshot.setTransactions()
    return {
        str(transactions.apply(i).appId()): int(transactions.apply(i).version())
        for i in range(transactions.size())
    }
