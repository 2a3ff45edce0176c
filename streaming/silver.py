"""Silver: from parsed Bronze rows to judged, deduplicated events.

`judge_events` says of every row what it is (accepted, or rejected with all reasons) and gives the
accepted ones their types and times; `deduplicate` lets each event through once. What is then added
to an event is in `streaming/enrich.py`. Pure.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.bronze import COORDINATES, DEAD_LETTERS
from schemas.event import (
    BOOLEAN_FIELDS,
    DEFAULT_SITE,
    EVENT_FIELDS,
    INTEGER_FIELDS,
    NOT_IDENTIFIERS,
    NUMBER_FIELDS,
    TEXT_FIELDS,
)
from settings.model import Settings
from streaming import clock
from streaming.quality import describe_rejection, find_flags, find_reasons
from streaming.url import host_of, strip_url

KEY = tuple(column.name for column in COORDINATES)
# SQL of judged rows. Not a column of its own, for which all others would be copied once more.
ACCEPTED, REJECTED = "size(reasons) = 0", "size(reasons) > 0"
# What an accepted event consists of before it is enriched.
JUDGED_COLUMNS = (
    *KEY,
    *TEXT_FIELDS,
    *INTEGER_FIELDS,
    *NUMBER_FIELDS,
    *BOOLEAN_FIELDS,
    "visitor_id",
    "event_time",
    "event_date",
    "event_hour",
    "client_time",
    "arrival_time",
    "stream_time",
    "is_late",
    "quality_flags",
    "body_hash",
    # Read already, to judge page_url and referrer.
    "page_host",
    "referrer_host",
)


def judge_events(bronze: DataFrame, settings: Settings, *kept: str) -> DataFrame:
    """Judge every Bronze row.

    bronze: the columns of `bronze.events`, and those to be `kept` as they are. Returns one row for
    each: topic, partition, offset, raw (rejected rows only), arrival_time, site_id, event_id,
    dedup_key, dedup_time, reasons (array<string>, empty: accepted), detail, needs_history, event
    (struct of JUDGED_COLUMNS, null where rejected), body_hash.
    """
    return (
        bronze.withColumns({"body_hash": hash_body(), **_clean()})
        .withColumns(
            _columns({"page_host": host_of("_page"), "referrer_host": host_of("_referrer")})
        )
        .withColumns(_columns({"reasons": find_reasons(), "quality_flags": find_flags()}))
        .withColumn("detail", F.expr(f"CASE WHEN {REJECTED} THEN {describe_rejection()} END"))
        .withColumns(_time())
        .withColumns(_type_fields())
        .withColumn("is_late", F.expr(clock.is_late(settings.session)))
        .select(
            *KEY,
            F.expr(f"CASE WHEN {REJECTED} THEN raw END").alias("raw"),
            "arrival_time",
            "site_id",
            "event_id",
            # A rejected record is nobody's duplicate: its key is its own place in Kafka.
            F.expr(
                f"CASE WHEN {ACCEPTED} THEN concat(length(site_id), ':', site_id, event_id) "
                "ELSE concat('!', topic, '/', partition, '/', offset) END"
            ).alias("dedup_key"),
            F.expr(clock.dedup_time(settings.session)).alias("dedup_time"),
            "reasons",
            "detail",
            F.expr(f"{ACCEPTED} AND ({clock.needs_history(settings.session)})").alias(
                "needs_history"
            ),
            F.expr(f"CASE WHEN {ACCEPTED} THEN struct({', '.join(JUDGED_COLUMNS)}) END").alias(
                "event"
            ),
            "body_hash",
            *kept,
        )
    )


def deduplicate(judged: DataFrame, settings: Settings) -> DataFrame:
    """Let the first of all copies through that arrive within the state's horizon.

    judged: see `judge_events`; returns its columns without dedup_key and dedup_time.
    """
    return (
        judged.withWatermark("dedup_time", f"{clock.dedup_delay_s(settings.session)} seconds")
        .dropDuplicatesWithinWatermark(["dedup_key"])
        .drop("dedup_key", "dedup_time")
    )


def hash_body() -> Column:
    """Of what the client said, as it said it; a retry may say anew when it sent it."""
    return F.xxhash64(*(F.col(name) for name in EVENT_FIELDS if name != "sent_timestamp"))


def describe_letters(rejected: DataFrame, rules_version: str) -> DataFrame:
    """Rejected rows of `judge_events` as rows of `bronze.dead_letters`."""
    return rejected.select(
        *KEY,
        "raw",
        "arrival_time",
        F.to_date("arrival_time").alias("arrival_date"),
        "site_id",
        F.expr("reasons[0]").alias("reason"),
        "reasons",
        "detail",
        F.lit(rules_version).alias("rules_version"),
    ).select(*DEAD_LETTERS.column_names)


def _clean() -> dict[str, Column]:
    """Identifiers that identify nothing are absent; casts stand beside the text they judge."""
    expressions = {
        **{name: _read_identifier(name) for name in ("event_id", "anonymous_id", "user_id")},
        "site_id": f"coalesce(nullif(site_id, ''), '{DEFAULT_SITE}')",
        "_page": strip_url("page_url"),
        "_referrer": strip_url("referrer"),
        "_event_time": clock.parse_client_time("event_timestamp"),
        "_sent_time": clock.parse_client_time("sent_timestamp"),
        **{f"_{name}": f"try_cast({name} AS double)" for name in NUMBER_FIELDS},
    }
    return _columns(expressions)


def _read_identifier(name: str) -> str:
    """SQL of an identifier, null where it identifies nothing: blank, `undefined`, JSON."""
    nothing = ", ".join(f"'{text}'" for text in NOT_IDENTIFIERS)
    return (
        f"CASE WHEN lower(trim({name})) NOT IN ({nothing}) AND left({name}, 1) <> '[' "
        f"AND left({name}, 2) NOT IN ('{{\"', '{{}}') THEN {name} END"
    )


def _time() -> dict[str, Column]:
    event_time = clock.correct_event_time("_event_time", "_sent_time", "arrival_time")
    return _columns(
        {
            "event_time": event_time,
            "event_date": f"to_date({event_time})",
            "event_hour": f"hour({event_time})",
            # Not the sent time, which a retry may set anew: copies must agree. Bounded, because a
            # Python date (of which `mark_known` makes ranges) cannot hold every Spark date.
            "client_time": "greatest(least(_event_time, timestamp'9999-01-01'), "
            "timestamp_micros(0))",
        }
    )


def _type_fields() -> dict[str, Column]:
    """The visitor, and the client's fields in their declared types."""
    return _columns(
        {
            "visitor_id": "coalesce(anonymous_id, user_id)",
            **{name: f"try_cast(try_cast({name} AS double) AS int)" for name in INTEGER_FIELDS},
            **{name: f"_{name}" for name in NUMBER_FIELDS},
            **{name: f"try_cast({name} AS boolean)" for name in BOOLEAN_FIELDS},
        }
    )


def _columns(expressions: dict[str, str]) -> dict[str, Column]:
    return {name: F.expr(sql) for name, sql in expressions.items()}
