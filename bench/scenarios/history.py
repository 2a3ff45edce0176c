"""A past made up cheaply: Silver, sessions and Gold of any number of days, from Spark's `range`.

Rows go through the product's own aggregation and writes, marked as no change of data, so that no
flow takes them for new. A day's visitors are known by arithmetic: `count_visitors`.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas import bronze, silver
from schemas.gold import EVENT_GRAIN, SESSION_GRAIN
from schemas.table import GoldTable, Table
from streaming.gold import aggregate_partials
from streaming.runtime import Runtime
from streaming.sinks import write_once
from streaming.sources import keep_batch

_EPOCH = dt.date(1970, 1, 1)
_DAY_S = 86_400
# Of three sessions one is a single page view; the others have five events, 20 s apart.
_LAST_EVENT, _STEP_S = 4, 20
_SPARE_S = _LAST_EVENT * _STEP_S + 10  # before midnight, so that no session crosses it
_PAGES = 50


@dataclass(frozen=True)
class Site:
    """A day has `sessions`, of `pool` visitors; each day `shift` of them leave and as many come."""

    name: str
    sessions: int
    pool: int
    shift: int

    def __post_init__(self) -> None:
        if self.sessions < self.pool:
            raise ValueError(f"{self.name}: {self.sessions} sessions cannot be of {self.pool}")


def make_sites(events_per_day: int) -> tuple[Site, Site]:
    """A large site whose visitors change by a fifth a day, and a small one with hundreds."""
    # Three sessions have 1 + 5 + 5 events.
    sessions = max(20, events_per_day * 3 // 11)
    small = max(10, min(400, sessions // 10))
    large = sessions - small
    return (
        Site("history-large", large, max(5, large * 4 // 5), max(1, large // 6)),
        Site("history-small", small, small, max(1, small // 400)),
    )


def count_visitors(site: Site, days: int) -> int:
    """Distinct visitors of so many days on end: each day's are the next `pool` numbers."""
    return site.pool + (days - 1) * site.shift


def count_events(site: Site, days: int) -> int:
    """Events of so many days."""
    singles = -(-site.sessions // 3)
    return days * (singles + (site.sessions - singles) * (_LAST_EVENT + 1))


def make_sessions(runtime: Runtime, site: Site, first: dt.date, days: int) -> DataFrame:
    """One row per session from the day `first` on: what both Silver tables are made of."""
    first_day = (first - _EPOCH).days
    gap_us = (_DAY_S - _SPARE_S) * 1_000_000 // site.sessions
    steps = {
        "day": f"{first_day} + CAST(id div {site.sessions} AS int)",
        "number": f"id % {site.sessions}",
        "visitor": f"day * {site.shift} + number % {site.pool}",
        "visitor_id": f"concat('{site.name}-', visitor)",
        "site_id": f"'{site.name}'",
        "session_start": f"timestamp_micros(day * {_DAY_S}L * 1000000 + number * {gap_us})",
        "last": f"CASE WHEN number % 3 = 0 THEN 0 ELSE {_LAST_EVENT} END",
        "device_type": "element_at(array('desktop', 'mobile'), CAST(1 + visitor % 2 AS int))",
        "browser": "element_at(array('Chrome', 'Safari', 'Firefox'), CAST(1 + visitor % 3 AS int))",
        "os": "element_at(array('Windows', 'Android', 'iOS'), CAST(1 + visitor % 3 AS int))",
        "country": "element_at(array('DE', 'FR', 'US', 'JP'), CAST(1 + visitor % 4 AS int))",
        "source": "element_at(array('google', '(direct)', 'news.example'), "
        "CAST(1 + number % 3 AS int))",
        "medium": "CASE source WHEN 'google' THEN 'organic' WHEN '(direct)' THEN '(none)' "
        "ELSE 'referral' END",
        "channel": "CASE source WHEN 'google' THEN 'Organic Search' WHEN '(direct)' THEN 'Direct' "
        "ELSE 'Referral' END",
        "is_bot": "false",
    }
    rows = runtime.spark.range(0, days * site.sessions)
    for name, sql in steps.items():
        rows = rows.withColumn(name, F.expr(sql))
    return rows


def make_events(sessions: DataFrame) -> DataFrame:
    """The rows of `silver.events` of these sessions."""
    kinds = "array('page_view', 'scroll', 'page_view', 'page_view', 'click')"
    share = "pmod(xxhash64(site_id, day, number, k), 1000003) / 1000003D"
    known = {
        "event_type": f"element_at({kinds}, k + 1)",
        "event_id": "concat_ws('-', site_id, day, number, k)",
        "event_time": f"timestamp_micros(unix_micros(session_start) + k * {_STEP_S}000000L)",
        "event_date": "date_from_unix_date(day)",
        "event_hour": "hour(event_time)",
        "anonymous_id": "visitor_id",
        "client_time": "event_time",
        "arrival_time": "event_time",
        "stream_time": "event_time",
        "is_late": "false",
        "page_path": _page("k"),
        # Skewed, and hardly a value twice: 100 ms to 8 s.
        "load_time_ms": f"CASE WHEN event_type = 'page_view' THEN 100 + 7900 * pow({share}, 3) END",
        "lcp_ms": "load_time_ms * 1.3D",
        "ttfb_ms": "load_time_ms * 0.2D",
        "scroll_depth_percent": "CASE WHEN event_type = 'scroll' THEN 100 * " + share + " END",
        "is_conversion": "false",
        "quality_score": "1D",
        "rules_version": f"'{silver.RULES_VERSION}'",
        "topic": "'history'",
        "partition": "0",
        "offset": "CAST(id AS bigint) * 5 + k",
    }
    rows = sessions.withColumn("k", F.explode(F.expr("sequence(0, last)")))
    return _shape(rows, known, silver.EVENTS)


def make_session_rows(sessions: DataFrame) -> DataFrame:
    """The rows of `silver.sessions`."""
    visits = ", ".join(
        f"named_struct('page_path', {_page(str(k))}, 'engaged_s', 20D)" for k in (0, 2)
    )
    known = {
        "session_id": "left(sha2(concat_ws('|', site_id, day, number), 256), 32)",
        "session_end": f"timestamp_micros(unix_micros(session_start) + last * {_STEP_S}000000L)",
        "session_date": "date_from_unix_date(day)",
        "duration_s": f"CAST(last * {_STEP_S} AS double)",
        "event_count": "CAST(last + 1 AS bigint)",
        "page_views": "CAST(CASE WHEN last = 0 THEN 1 ELSE 3 END AS bigint)",
        "is_engaged": "last > 0",
        "is_bounce": "last = 0",
        "entry_page": _page("0"),
        "exit_page": f"CASE WHEN last = 0 THEN {_page('0')} ELSE {_page('3')} END",
        "conversions": "0L",
        "revenue": "CAST(0 AS decimal(28,4))",
        "engaged_time_s": "CASE WHEN last = 0 THEN 10D ELSE 50D END",
        "pages": f"array({visits})",
    }
    return _shape(sessions, known, silver.SESSIONS)


def _page(k: str) -> str:
    return f"concat('/history/', pmod(visitor * 7 + {k}, {_PAGES}))"


def _shape(rows: DataFrame, known: dict[str, str], table: Table) -> DataFrame:
    """All columns of the table in their types, null where the rows say nothing."""
    for name, sql in known.items():
        rows = rows.withColumn(name, F.expr(sql))
    return rows.select(
        *(
            F.expr(
                f"CAST({column.name if column.name in rows.columns else 'NULL'} AS {column.type})"
            ).alias(column.name)
            for column in table.columns
        )
    )


def write_history(runtime: Runtime, site: Site, first: dt.date, days: int) -> None:
    """Add these days to Bronze (coordinates only), Silver and every Gold table."""
    sessions = make_sessions(runtime, site, first, days)
    with keep_batch(make_events(sessions)) as events:
        raw = {"arrival_date": "event_date", "kafka_timestamp": "arrival_time"}
        _write(runtime, site, first, bronze.EVENTS, _shape(events, raw, bronze.EVENTS))
        _write(runtime, site, first, silver.EVENTS, events)
        for table in EVENT_GRAIN:
            _write(runtime, site, first, table, aggregate_partials(events, table))
    with keep_batch(make_session_rows(sessions)) as closed:
        _write(runtime, site, first, silver.SESSIONS, closed)
        for table in SESSION_GRAIN:
            _write(runtime, site, first, table, aggregate_partials(closed, table))


def _write(
    runtime: Runtime, site: Site, first: dt.date, table: Table | GoldTable, rows: DataFrame
) -> None:
    # One file a day, as compaction leaves it.
    by_day = rows.repartition(table.partition_by[0])
    # By day, for a history is made longer backwards, and Delta takes only rising numbers.
    transaction = (f"bench-history:{site.name}:{first}", 0)
    write_once(runtime, table, by_day, transaction, "append", {"dataChange": "false"})


def pad_log(runtime: Runtime, table: str, commits: int) -> None:
    """Lengthen a local table's log by commits that change nothing, then checkpoint it."""
    folder = Path(runtime.table(table).removeprefix("file:")) / "_delta_log"
    last = max(int(file.name[:20]) for file in folder.glob("*.json"))
    now_ms = int(dt.datetime.now(dt.UTC).timestamp() * 1000)
    info = {"timestamp": now_ms, "operation": "WRITE", "operationParameters": {}}
    line = json.dumps({"commitInfo": info}) + "\n"
    for version in range(last + 1, last + 1 + commits):
        (folder / f"{version:020}.json").write_text(line, encoding="utf-8")
    jvm: Any = runtime.spark._jvm
    delta_log = jvm.org.apache.spark.sql.delta.DeltaLog
    delta_log.clearCache()
    log = delta_log.forTable(runtime.spark._jsparkSession, runtime.table(table))
    log.checkpoint()
