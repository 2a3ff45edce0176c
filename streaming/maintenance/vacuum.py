"""Delete files that only old versions of a table use.

Not before everybody is done with them: they stay for `retention.history_hours`, and as long as a
flow has still to read the version that used them. `history.json` says so first.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from schemas.history import Floor
from streaming.delta_log import latest_version
from streaming.history import raise_history
from streaming.maintenance.commit_time import find_commit_time, find_version_at
from streaming.maintenance.readers import find_readers
from streaming.progress import position_of
from streaming.runtime import Runtime

# Delta reckons from the moment at which it deletes, which is a little later.
_MARGIN = timedelta(minutes=10)


def vacuum_table(runtime: Runtime, name: str, *, is_dry_run: bool) -> tuple[int, list[str]]:
    """Delete what is old enough; returns how many files (of the first 1,000), and what was not."""
    hours = runtime.settings.retention.history_hours
    cut = datetime.now(UTC) - timedelta(hours=hours) + _MARGIN
    made_at = find_commit_time(runtime.table(name), 0)
    if made_at is not None and made_at > cut:
        return 0, []  # nothing in it is so old
    if note := _find_reader_behind(runtime, name, cut):
        return 0, [note]
    uri = runtime.table(name)
    old = _vacuum(runtime, uri, hours, "DRY RUN")
    if old and not is_dry_run:
        first = find_version_at(uri, cut)
        if first > 0:
            raise_history(runtime.settings, {name: Floor(first, "cleaned")})
        _vacuum(runtime, uri, hours)
    return old, []


def _find_reader_behind(runtime: Runtime, name: str, cut: datetime) -> str | None:
    """Why the table must be left alone: a flow reads versions that are older than the cut."""
    newest = latest_version(runtime.table(name))
    for flow, source in find_readers(name):
        position = position_of(runtime.settings, flow, source)
        # No version is split between two batches (streaming/sources.py).
        version = position.version + (position.index >= 0)
        if version > newest:
            continue
        committed_at = find_commit_time(runtime.table(name), version)
        if committed_at is None or committed_at < cut:
            return (
                f"not cleaned up: flow {flow} has still to read version {version}, which is older "
                f"than retention.history_hours; run the app until it is caught up"
            )
    return None


def _vacuum(runtime: Runtime, uri: str, hours: float, mode: str = "") -> int:
    quoted = uri.replace("`", "``")
    found = runtime.spark.sql(f"VACUUM delta.`{quoted}` RETAIN {hours:f} HOURS {mode}")
    return found.count() if mode else 0
