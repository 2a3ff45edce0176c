"""Two days written by hand: for each a record of every kind, and Gold in two partials a group."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame

from schemas import bronze, silver
from schemas.gold.pages import PAGES
from schemas.gold.realtime import REALTIME
from schemas.gold.sessions import SESSIONS as GOLD_SESSIONS
from schemas.table import GoldTable, Table
from streaming.delta_log import latest_version
from streaming.gold import aggregate_partials
from streaming.runtime import Runtime
from tests.streaming.fake_lake import commit_batch, delta_offset, plan_batch
from tests.streaming.lake import Lake

START = datetime(2024, 5, 14, 12, tzinfo=UTC)
AS_OF, COMPLETE_UNTIL = "2024-05-15T12:10:00+00:00", "2024-05-15T12:05:00+00:00"
# Tables that have rows.
TABLES: tuple[Table | GoldTable, ...] = (
    PAGES,
    REALTIME,
    GOLD_SESSIONS,
    bronze.EVENTS,
    bronze.DEAD_LETTERS,
    silver.EVENTS,
    silver.DUPLICATES,
)
RECORDS_A_DAY = 4


def write_history(runtime: Runtime) -> None:
    """Of the records of a day two are events, one is a copy, and one a dead letter."""
    days = (0, 1)
    records = [_record(day, number) for day in days for number in range(RECORDS_A_DAY)]
    _append(runtime, bronze.EVENTS, records)
    _append(runtime, silver.DUPLICATES, [one for one in records if one["offset"] % 4 == 2])
    _append(runtime, bronze.DEAD_LETTERS, [one for one in records if one["offset"] % 4 == 3])
    events = [[_event(day, number) for day in days] for number in (0, 1)]
    _append(runtime, silver.EVENTS, [*events[0], *events[1]])
    sessions = [[_session(day, number) for day in days] for number in (0, 1)]
    for table, source, parts, said in (
        (PAGES, silver.EVENTS, events, {"as_of": AS_OF}),
        (REALTIME, silver.EVENTS, events, {"as_of": AS_OF}),
        (GOLD_SESSIONS, silver.SESSIONS, sessions, {"complete_until": COMPLETE_UNTIL}),
    ):
        for part in parts:
            rows = runtime.spark.createDataFrame(part, source.ddl)
            _write(runtime, table, aggregate_partials(rows, table), said)


def have_read(lake: Lake, flow: str, table: Table, batch_id: int = 0) -> None:
    """As if the flow had read all that the table has."""
    folder = Path(lake.runtime.settings.data_dir) / "checkpoints" / flow
    newest = latest_version(lake.runtime.table(table.name))
    plan_batch(folder, batch_id, delta_offset(newest + 1))
    commit_batch(folder, batch_id)


def _record(day: int, number: int) -> dict[str, Any]:
    time = START + timedelta(days=day, minutes=number)
    return {
        "topic": "events",
        "partition": 0,
        "offset": RECORDS_A_DAY * day + number,
        "raw": bytearray(b"{}"),
        "arrival_time": time,
        "arrival_date": time.date(),
    }


def _event(day: int, number: int) -> dict[str, Any]:
    # Both in one minute, of one page: two partials of one group.
    time = START + timedelta(days=day, seconds=10 * number)
    return {
        **_record(day, number),
        "site_id": "shop",
        "event_id": f"{day}/{number}",
        "event_type": "page_view",
        "event_time": time,
        "event_date": time.date(),
        "visitor_id": f"v{number}",
        "is_late": False,
        "page_path": "/",
        "source": "(direct)",
        "is_conversion": False,
        "is_bot": False,
        "load_time_ms": 100.0 + number,
    }


def _session(day: int, number: int) -> dict[str, Any]:
    event = _event(day, number)
    return {
        "session_id": event["event_id"],
        "site_id": "shop",
        "visitor_id": event["visitor_id"],
        "session_start": event["event_time"],
        "session_end": event["event_time"],
        "session_date": event["event_date"],
        "duration_s": 3.0 * number,
        "page_views": 1,
        "is_engaged": False,
        "is_bounce": True,
        "source": "(direct)",
        "is_bot": False,
    }


def _append(runtime: Runtime, table: Table, rows: list[dict[str, Any]]) -> None:
    _write(runtime, table, runtime.spark.createDataFrame(rows, table.ddl))


def _write(
    runtime: Runtime,
    table: Table | GoldTable,
    rows: DataFrame,
    said: dict[str, str] | None = None,
) -> None:
    writer = rows.coalesce(1).write.format("delta").mode("append")
    writer.options(userMetadata=json.dumps(said or {})).save(runtime.table(table.name))
