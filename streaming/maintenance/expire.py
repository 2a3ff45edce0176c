"""Let go of what the retention settings do not keep: old minutes, and records as they came.

Whole days at a time, by partition, so that no file is written again. How many records are gone is
kept in the very commit that takes them out, as the version of a transaction, which outlives the
log: so the ledger balances at every moment.
"""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta

from pyspark.sql import functions as F

from schemas import bronze
from schemas.gold.realtime import REALTIME
from schemas.table import GoldTable, Table
from settings.retention import first_day_of_minutes
from streaming.delta_log import Position, files_added, latest_version
from streaming.maintenance.files import last_said, list_files
from streaming.progress import position_of
from streaming.runtime import Runtime
from streaming.sinks import write_once
from streaming.snapshots import EXPIRED, read_transactions
from streaming.sources import read_table
from streaming.table_locks import SILVER_LOCK, hold_table

# Both hold the raw bytes, and a dead letter without its record could not be replayed.
_RAW = (bronze.EVENTS.name, bronze.DEAD_LETTERS.name)


def expire_minutes(runtime: Runtime, table: GoldTable, now: datetime, *, is_dry_run: bool) -> int:
    """Let go of old days of `gold.realtime`; returns how many partials."""
    if table is not REALTIME:
        return 0
    first = first_day_of_minutes(runtime.settings.retention, now)
    return _let_go(runtime, table, f"date < date'{first}'", is_dry_run=is_dry_run)


def expire_records(
    runtime: Runtime, table: Table, now: datetime, *, is_dry_run: bool
) -> tuple[int, list[str]]:
    """Let go of old days of a table with raw records; returns how many, and why not."""
    days = runtime.settings.retention.bronze_days
    if table.name not in _RAW or days is None:
        return 0, []
    # The newest day stays, however old: Bronze goes on from it (streaming/flows/bronze.py).
    first = min(now.date() - timedelta(days=days), _find_newest_day(runtime) or date.min)
    if unread := _find_unread(runtime, first):
        return 0, [unread]
    # The flow `silver` and a replay read these tables and write them.
    with SILVER_LOCK:
        old = f"arrival_date < date'{first}'"
        return _let_go(runtime, table, old, is_dry_run=is_dry_run), []


def _let_go(runtime: Runtime, table: Table | GoldTable, old: str, *, is_dry_run: bool) -> int:
    """Take the rows of some days out of a table; returns how many."""
    with hold_table(runtime, table.name):
        rows = read_table(runtime, table.name).where(old)
        count = rows.count()
        if count and not is_dry_run:
            before = read_transactions(runtime.spark, runtime.table(table.name)).get(EXPIRED, 0)
            options = {
                "replaceWhere": old,
                "userMetadata": json.dumps(last_said(runtime, table.name)),
            }
            none, transaction = rows.where(F.lit(False)), (EXPIRED, before + count)
            write_once(runtime, table, none, transaction, "overwrite", options)
    return count


def _find_newest_day(runtime: Runtime) -> date | None:
    days = [
        file.partition_values["arrival_date"] for file in list_files(runtime, bronze.EVENTS.name)
    ]
    return max((date.fromisoformat(day) for day in days if day), default=None)


def _find_unread(runtime: Runtime, first: date) -> str | None:
    """Why nothing may go: the flow `silver` has still to read such records."""
    uri = runtime.table(bronze.EVENTS.name)
    start = position_of(runtime.settings, "silver")
    unread = files_added(uri, start, Position(latest_version(uri) + 1, -1))
    if any(str(file.partition_values["arrival_date"]) < first.isoformat() for file in unread):
        return (
            "nothing is let go: flow silver has still to read records older than "
            "retention.bronze_days; run the app until it is caught up"
        )
    return None
