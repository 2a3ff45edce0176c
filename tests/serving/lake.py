"""A small lake with known numbers: plain rows, the Delta tables made of them, and a count by hand.

The count is plain Python over the rows; it shares nothing with the statements under test.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from schemas.gold import EVENT_GRAIN, SESSION_GRAIN
from schemas.silver import EVENTS, SESSIONS
from schemas.table import GoldTable, Table

Row = dict[str, Any]

AS_OF = "2015-05-20T12:00:00Z"
COMPLETE_UNTIL = "2015-05-20T11:25:00Z"
FIRST = datetime(2015, 5, 17, 9, 50, tzinfo=UTC)


def make_events() -> list[Row]:
    """Events over two and a half days, some without load times, some by bots, some no views."""
    return [
        {
            "site_id": "shop" if number % 4 == 0 else "blog",
            "event_id": f"event-{number:03}",
            "event_type": "click" if number % 13 == 5 else "page_view",
            "event_time": (time := FIRST + timedelta(minutes=17, seconds=31) * number),
            "event_date": time.date(),
            "is_late": False,
            "visitor_id": f"visitor-{number % 23}",
            "page_path": f"/page/{number % 7}",
            "is_bot": number % 11 == 0,
            "device_type": "mobile" if number % 2 else "desktop",
            "country": "DE" if number % 5 else None,
            "load_time_ms": None if number % 7 == 3 else float(number),
        }
        for number in range(210)
    ]


def make_sessions() -> list[Row]:
    return [
        {
            "site_id": "shop" if number % 4 == 0 else "blog",
            "session_id": f"session-{number:03}",
            "session_start": (time := FIRST + timedelta(minutes=61) * number),
            "session_date": time.date(),
            "session_end": time + timedelta(seconds=number * 3.5),
            "visitor_id": f"visitor-{number % 23}",
            # Two visitors, one user; for one of them only later sessions say so.
            "user_id": "user-one" if number % 23 in (1, 2) and number > 22 else None,
            "duration_s": number * 3.5,
            "event_count": number % 5 + 1,
            "page_views": number % 5,
            "is_engaged": number % 3 != 0,
            "is_bounce": number % 3 == 0,
            "entry_page": f"/page/{number % 7}",
            "exit_page": None if number % 5 == 0 else f"/page/{number % 6}",
            "source": "news.example" if number % 2 else "(direct)",
            "medium": "referral" if number % 2 else "(none)",
            "campaign": 'it\'s "spring" :sale' if number % 6 == 0 else None,
            "device_type": "mobile" if number % 2 else "desktop",
            "country": "DE" if number % 5 else None,
            "conversions": int(number % 4 == 0),
            "revenue": Decimal(number) if number % 4 == 0 else None,
            "is_bot": number % 10 == 0,
        }
        for number in range(60)
    ]


def write_lake(spark: SparkSession, root: str) -> None:
    """Every table the API reads."""
    for table, grain, rows in (
        (EVENTS, EVENT_GRAIN, make_events()),
        (SESSIONS, SESSION_GRAIN, make_sessions()),
    ):
        frame = read_rows(spark, table, rows)
        frame.write.format("delta").partitionBy(*table.partition_by).save(
            table_path(root, table.name)
        )
        half = len(rows) // 2
        parts = (read_rows(spark, table, rows[:half]), read_rows(spark, table, rows[half:]))
        for gold in grain:
            append_gold(root, gold, *parts)


def read_rows(spark: SparkSession, table: Table, rows: list[Row]) -> DataFrame:
    """The rows as a DataFrame, by way of a file: quicker than through a Python worker."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
        for row in rows:
            file.write(json.dumps(row, default=_write_value) + "\n")
    return spark.read.schema(table.ddl).json(f"file://{file.name}").coalesce(1)


def append_gold(root: str, gold: GoldTable, *parts: DataFrame) -> None:
    """One commit with the partials of each part, so that they have to be merged."""
    dimensions = [F.expr(sql).alias(name) for name, sql in gold.dimensions.items()]
    stored = [F.expr(sql).alias(name) for name, sql in gold.stored.items()]
    bucket = F.date_trunc("hour", gold.time).alias("bucket")
    partials = reduce(
        DataFrame.unionByName,
        [part.where(gold.where).groupBy(bucket, *dimensions).agg(*stored) for part in parts],
    ).withColumn("date", F.to_date("bucket"))
    said = {"as_of": AS_OF} if gold in EVENT_GRAIN else {"complete_until": COMPLETE_UNTIL}
    partials.coalesce(1).write.format("delta").mode("append").partitionBy("date").option(
        "userMetadata", json.dumps(said)
    ).save(table_path(root, gold.name))


def _write_value(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else str(value).replace(" ", "T")


def table_path(root: str, name: str) -> str:
    return f"{root}/{name.replace('.', '/')}"


def count_pages(events: list[Row], sessions: list[Row]) -> list[Row]:
    """What /pages must answer for these rows, which are already filtered."""
    views = _group([event for event in events if event["event_type"] == "page_view"], "page_path")
    entries = _group(sessions, "entry_page")
    exits = _group([s for s in sessions if s["exit_page"] is not None], "exit_page")
    pages = [
        {
            "page_path": path,
            "page_views": len(views[path]),
            "unique_visitors": len({event["visitor_id"] for event in views[path]}),
            "entries": len(entries[path]),
            "exits": len(exits[path]),
            "bounce_rate": _divide(sum(s["is_bounce"] for s in entries[path]), len(entries[path])),
            "avg_engaged_time_s": None,
            **{
                f"load_time_p{percent}_ms": _percentile(
                    [event["load_time_ms"] for event in views[path]], percent
                )
                for percent in (50, 90, 99)
            },
        }
        for path in sorted(views.keys() | entries.keys() | exits.keys())
    ]
    return sorted(pages, key=lambda page: (-page["page_views"], page["page_path"]))


def count_sessions(sessions: list[Row]) -> list[Row]:
    """What /sessions must answer for these rows, which are already filtered."""
    if not sessions:
        return []
    total = len(sessions)
    durations = [session["duration_s"] for session in sessions]
    return [
        {
            "sessions": total,
            "engaged_sessions": sum(s["is_engaged"] for s in sessions),
            "bounces": sum(s["is_bounce"] for s in sessions),
            "bounce_rate": sum(s["is_bounce"] for s in sessions) / total,
            "avg_duration_s": sum(durations) / total,
            "duration_p50_s": _percentile(durations, 50),
            "duration_p90_s": _percentile(durations, 90),
            "pages_per_session": sum(s["page_views"] for s in sessions) / total,
            "unique_visitors": len({s["visitor_id"] for s in sessions}),
            "conversions": sum(s["conversions"] for s in sessions),
            "revenue": float(sum(s["revenue"] or 0 for s in sessions)),
        }
    ]


def _group(rows: list[Row], column: str) -> defaultdict[str, list[Row]]:
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[column]].append(row)
    return groups


def _divide(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _percentile(values: list[float | None], percent: int) -> float | None:
    """Exact, by the nearest rank: so few values lie in a sketch one by one."""
    known = sorted(value for value in values if value is not None)
    return known[math.ceil(len(known) * percent / 100) - 1] if known else None
