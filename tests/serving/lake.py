"""A small lake with known numbers: plain rows, and the Delta tables made of them."""

from __future__ import annotations

import json
import tempfile
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
            "event_type": _type_of(number),
            "event_name": "signup" if number % 26 == 8 else None,
            "event_time": (time := FIRST + timedelta(minutes=17, seconds=31) * number),
            "event_date": time.date(),
            "is_late": False,
            "visitor_id": f"visitor-{number % 23}",
            "page_path": None if number % 13 == 8 else f"/page/{number % 7}",
            "source": "news.example" if number % 3 else "(direct)",
            "is_bot": number % 11 == 0,
            "device_type": "mobile" if number % 2 else "desktop",
            "country": "DE" if number % 5 else None,
            "browser": ("Firefox", "Chrome", "Safari")[number % 3],
            "os": "Android" if number % 2 else "Windows",
            "city": "Ulm" if number % 10 == 1 else None,
            "load_time_ms": None if number % 7 == 3 else float(number),
            "lcp_ms": float(number * 40) if number % 3 else None,
            "cls": number / 1000,
            "scroll_depth_percent": number / 3 if number % 13 == 2 else None,
            "is_conversion": number % 13 == 8,
            "revenue": Decimal(number) / 4 if number % 26 == 8 else None,
            "rules_version": "1" if number < 100 else "2",
            "topic": "events",
            "partition": number % 2,
            "offset": number // 2,
        }
        for number in range(210)
    ]


def _type_of(number: int) -> str:
    types = {2: "scroll", 5: "click", 8: "custom_event"}
    return types.get(number % 13, "page_view")


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
            "channel": "Referral" if number % 2 else "Direct",
            "browser": ("Firefox", "Chrome", "Safari")[number % 3],
            "os": "Android" if number % 2 else "Windows",
            "city": "Ulm" if number % 10 == 1 else None,
            "engaged_time_s": float(number % 9 * 10),
            "pages": [
                {"page_path": f"/page/{page}", "engaged_s": 10.0 * (page + 1)}
                for page in range(number % 3)
            ],
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
    bucket = F.expr(gold.bucket).alias("bucket")
    partials = reduce(
        DataFrame.unionByName,
        [
            part.selectExpr(*gold.row_columns)
            .where(gold.where)
            .groupBy(bucket, *dimensions)
            .agg(*stored)
            for part in parts
        ],
    ).withColumn("date", F.to_date("bucket"))
    said = {"as_of": AS_OF} if gold in EVENT_GRAIN else {"complete_until": COMPLETE_UNTIL}
    partials.coalesce(1).write.format("delta").mode("append").partitionBy("date").option(
        "userMetadata", json.dumps(said)
    ).save(table_path(root, gold.name))


def _write_value(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else str(value).replace(" ", "T")


def table_path(root: str, name: str) -> str:
    return f"{root}/{name.replace('.', '/')}"
