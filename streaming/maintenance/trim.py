"""Delete the commits that only the past of a table is made of.

Whatever reads a table or commits to it lists the table's log first, and the flows commit every two
seconds. Delta's own cleaning leaves a whole day and more; this goes by the hours of
`retention.history_hours` (docs/adr/0011).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from streaming.delta_log import first_version, latest_version
from streaming.maintenance.commit_time import find_commit_time
from streaming.maintenance.files import open_delta_log
from streaming.maintenance.readers import find_readers
from streaming.progress import start_of_last_batch
from streaming.runtime import Runtime
from streaming.sinks import CHECKPOINT_EVERY_COMMITS


def trim_log(runtime: Runtime, name: str) -> bool:
    """Delete the commits before `retention.history_hours`; whether there were any.

    Left are those from the last checkpoint before that on, so each version of these hours can
    still be read; and all while a flow could need older ones. Only for a table that is being
    written to: how far its data goes must be said by a commit that stays.
    """
    uri, hours = runtime.table(name), runtime.settings.retention.history_hours
    cut = datetime.now(UTC) - timedelta(hours=hours)
    # Before the next checkpoint is old as well, nothing can go.
    oldest = find_commit_time(uri, first_version(uri) + CHECKPOINT_EVERY_COMMITS)
    if oldest is None or oldest > cut or _has_reader_before(runtime, name, cut):
        return False
    _clean(runtime, uri, hours)
    return True


def _has_reader_before(runtime: Runtime, name: str, cut: datetime) -> bool:
    """Whether a flow has still to read a version of before, or would look at one as it starts."""
    uri = runtime.table(name)
    newest = latest_version(uri)
    for flow, source in find_readers(name):
        version = start_of_last_batch(runtime.settings, flow, source).version
        committed_at = find_commit_time(uri, version)
        if version <= newest and (committed_at is None or committed_at < cut):
            return True
    return False


def _clean(runtime: Runtime, uri: str, hours: float) -> None:
    """Delta's own cleaning, which keeps what a version that stays is made of; to the minute."""
    jvm: Any = runtime.spark._jvm
    log, snapshot = open_delta_log(runtime, uri)
    # Py4J hands on a small number as an Integer, and Scala wants a Long: as one it comes from here.
    milliseconds = jvm.java.util.stream.LongStream.of(int(hours * 3_600_000)).boxed().findFirst()
    retention = jvm.scala.jdk.javaapi.OptionConverters.toScala(milliseconds)
    minutes = jvm.org.apache.spark.sql.delta.TruncationGranularity.MINUTE()
    log.cleanUpExpiredLogs(snapshot, jvm.scala.Option.empty(), retention, minutes)
