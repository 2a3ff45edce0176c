"""Measures bots by behaviour: how many sessions of which kind the verdict takes for a bot's.

    .venv/bin/python scripts/measure_behaviour.py [--log access.log]... [--rules bots.yaml]

Without a log: simulated traffic, of which it is known who is who. Of a log it is known what the
agent says. Sessions are cut here, with a gap of half an hour; features and verdict are the
product's own SQL. With `--rules` one sees what other thresholds would do before they are in force.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from cli.access_log import Fate, read_log
from embedded.java import java_home
from settings.load import CONF_DIR
from streaming.enrichment.agents import parse_agent
from streaming.enrichment.behaviour import behaviour_aggregates, judge_behaviour
from streaming.enrichment.bots import BehaviourThresholds, BotRules, load_bot_rules
from streaming.url import path_of, strip_url
from traffic.faults import ALL_FAULTS, Record
from traffic.generate import Plan, generate

_GAP = timedelta(minutes=30)
_START_MS = 1_773_000_000_000  # a moment in March 2026
_SESSION = {
    "event_count": "count(1)",
    "page_views": "count_if(event_type = 'page_view')",
    "session_start": "min(event_time)",
    "session_end": "max(event_time)",
}
_DDL = (
    "visitor string, kind string, session int, event_time timestamp, client_time timestamp, "
    "event_type string, page_url string, screen_width int, viewport_width int, load_time_ms double"
)


class Event(NamedTuple):
    """One event; `kind` of its visitor is what is known without looking at the behaviour."""

    visitor: str
    kind: str
    event_time: datetime
    client_time: datetime
    fields: dict[str, Any]


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    logs: list[Path]
    rules: BotRules
    events: int
    seed: int


def main() -> None:
    """Print a table for each source, and who was accused in spite of a browser's agent."""
    options = _read_options()
    os.environ["JAVA_HOME"] = str(java_home())
    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    try:
        for log in options.logs:
            _report(str(log.name), judge(spark, read_access_log(log, options.rules), options))
        if not options.logs:
            plan = Plan(
                start_ms=_START_MS,
                seed=options.seed,
                visitors=5000,
                history_days=7,
                history_events=options.events,
                faults=ALL_FAULTS,
                sites=3,
            )
            _report("simulated traffic", judge(spark, read_records(generate(plan)), options))
    finally:
        spark.stop()


def read_access_log(log: Path, rules: BotRules) -> Iterator[Event]:
    """The page views of a log; who sends no agent is a kind of its own."""
    with log.open("rb") as lines:
        for verdict in read_log(lines):
            if verdict.fate is not Fate.EVENT:
                continue
            fields = json.loads(verdict.value)
            agent = fields.get("user_agent")
            reason = parse_agent(agent, rules).bot_reason
            kind = f"bot by agent: {reason}" if reason else "browser" if agent else "no agent"
            at = datetime.fromisoformat(fields["event_timestamp"])
            visitor = f"{fields['ip_address']} {agent}"
            yield Event(visitor, kind, at, at, fields)


def read_records(records: Iterable[Record]) -> Iterator[Event]:
    """The events of simulated traffic that belong to a session, each once."""
    for record in records:
        step = record.step
        if step is None or record.is_copy or not step.visitor.has_consent:
            continue
        visitor = step.visitor
        # Nothing happens after its arrival: so a clock years ahead, of which nobody knows.
        is_ahead = visitor.skew_ms > 0 and not visitor.has_sent_time
        event_ms = record.at_ms if is_ahead else record.event_ms
        yield Event(
            f"{visitor.site.site_id}/{visitor.visitor_id}",
            f"bot: {visitor.bot}" if visitor.bot else "person",
            datetime.fromtimestamp(event_ms / 1000, UTC),
            datetime.fromtimestamp((record.event_ms + visitor.skew_ms) / 1000, UTC),
            step.event,
        )


def judge(spark: SparkSession, events: Iterable[Event], options: Options) -> list[Row]:
    """One row for each session: visitor, kind, event_count, page_views, seconds, reason."""
    frame = spark.createDataFrame(list(_cut_sessions(events)), _DDL)
    aggregates = _SESSION | behaviour_aggregates()
    thresholds: BehaviourThresholds = options.rules.behaviour
    return (
        frame.withColumn("page_path", F.expr(path_of(f"({strip_url('page_url')})")))
        .groupBy("visitor", "kind", "session")
        .agg(*(F.expr(sql).alias(name) for name, sql in aggregates.items()))
        .select(
            "visitor",
            "kind",
            "event_count",
            "page_views",
            F.expr("bit_count(_b_page_bits)").alias("pages"),
            F.expr("double(session_end) - double(session_start)").alias("seconds"),
            F.expr(judge_behaviour(thresholds)).alias("reason"),
        )
        .collect()
    )


def _cut_sessions(events: Iterable[Event]) -> Iterator[tuple[Any, ...]]:
    visitors: defaultdict[str, list[Event]] = defaultdict(list)
    for event in events:
        visitors[event.visitor].append(event)
    for visitor, theirs in visitors.items():
        theirs.sort(key=lambda event: event.event_time)
        session, previous = 0, theirs[0].event_time
        for event in theirs:
            session += event.event_time - previous > _GAP
            previous = event.event_time
            fields = event.fields
            load_ms = fields.get("load_time_ms")
            yield (
                visitor,
                event.kind,
                session,
                event.event_time,
                event.client_time,
                fields["event_type"],
                fields.get("page_url"),
                fields.get("screen_width"),
                fields.get("viewport_width"),
                None if load_ms is None else float(load_ms),
            )


def _report(source: str, sessions: list[Row]) -> None:
    by_kind = Counter(row.kind for row in sessions)
    views = Counter[str]()
    for row in sessions:
        views[row.kind] += row.page_views
    sys.stdout.write(f"\n{source}\n{'kind':36} sessions  >= 30 events  page views  accused\n")
    for kind, count in sorted(by_kind.items()):
        long = sum(row.kind == kind and row.event_count >= 30 for row in sessions)
        reasons = Counter(row.reason for row in sessions if row.kind == kind and row.reason)
        said = ", ".join(f"{reason} {number}" for reason, number in sorted(reasons.items()))
        accused = f"{reasons.total():7}  {said}".rstrip()
        sys.stdout.write(f"{kind:36} {count:8}  {long:12}  {views[kind]:10}  {accused}\n")
    for row in sorted(sessions, key=lambda row: -row.page_views):
        if row.reason and row.kind in ("browser", "no agent", "person"):
            sys.stdout.write(
                f"  {row.reason}: {row.page_views} views, at least {row.pages} pages, "
                f"{row.seconds:.0f} s: {row.visitor[:120]}\n"
            )


def _read_options() -> Options:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", type=Path, action="append", default=[], help="access log")
    parser.add_argument("--rules", type=Path, default=CONF_DIR / "rules" / "bots.yaml")
    parser.add_argument("--events", type=int, default=100_000, help="of the simulated traffic")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    return Options(given.log, load_bot_rules(given.rules), given.events, given.seed)


if __name__ == "__main__":
    main()
