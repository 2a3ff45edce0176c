"""Silver: from parsed Bronze rows to judged, deduplicated events.

`judge_events` says of every row what it is (accepted, or rejected with all reasons) and shapes it;
`deduplicate` lets each event through once. Pure.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.event import BOOLEAN_FIELDS, DEFAULT_SITE, INTEGER_FIELDS, NUMBER_FIELDS
from schemas.silver import EVENTS, RULES_VERSION
from settings.model import Settings
from streaming import clock
from streaming.quality import describe_rejection, find_reasons
from streaming.url import host_of, path_of, query_parameter, strip_url

KEY = ("topic", "partition", "offset")
DIRECT = "(direct)"
_UTM = ("source", "medium", "campaign")
# Filled by the enrichments of the next release; the columns are part of the contract already.
_NOT_YET = ("channel", "device_type", "browser", "os", "country", "city", "bot_reason")


def judge_events(bronze: DataFrame, settings: Settings) -> DataFrame:
    """Judge and shape every Bronze row.

    bronze: the columns of `bronze.events`. Returns one row for each: topic, partition, offset, raw
    (rejected rows only), arrival_time, site_id, event_id, dedup_key, dedup_time, reasons
    (array<string>, empty: accepted), detail, needs_history, event (struct: `silver.events`).
    """
    return (
        bronze.withColumns(_clean())
        .withColumns(
            _columns({"page_host": host_of("_page"), "referrer_host": host_of("_referrer")})
        )
        .withColumn("reasons", find_reasons())
        .withColumn("is_accepted", F.expr("size(reasons) = 0"))
        .withColumn("detail", F.expr(f"CASE WHEN NOT is_accepted THEN {describe_rejection()} END"))
        .withColumns(_time())
        .withColumns(_type_fields())
        .withColumns(_locate())
        .withColumns(_attribute())
        .withColumns(_convert(settings))
        .withColumns({"is_late": F.expr(clock.is_late(settings.session))})
        .select(
            *KEY,
            F.expr("CASE WHEN NOT is_accepted THEN raw END").alias("raw"),
            "arrival_time",
            "site_id",
            "event_id",
            # A rejected record is nobody's duplicate: its key is its own place in Kafka.
            F.expr(
                "CASE WHEN is_accepted THEN concat(length(site_id), ':', site_id, event_id) "
                "ELSE concat('!', topic, '/', partition, '/', offset) END"
            ).alias("dedup_key"),
            F.expr(clock.dedup_time(settings.session)).alias("dedup_time"),
            "reasons",
            "detail",
            F.expr(f"is_accepted AND ({clock.needs_history(settings.session)})").alias(
                "needs_history"
            ),
            F.expr(
                f"CASE WHEN is_accepted THEN struct({', '.join(EVENTS.column_names)}) END"
            ).alias("event"),
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


def _clean() -> dict[str, Column]:
    """Blank identifiers are absent ones; casts stand beside the text until it was judged."""
    expressions = {
        "event_id": "nullif(event_id, '')",
        "anonymous_id": "nullif(anonymous_id, '')",
        "user_id": "nullif(user_id, '')",
        "site_id": f"coalesce(nullif(site_id, ''), '{DEFAULT_SITE}')",
        "_page": strip_url("page_url"),
        "_referrer": strip_url("referrer"),
        "_event_time": clock.parse_client_time("event_timestamp"),
        "_sent_time": clock.parse_client_time("sent_timestamp"),
        **{f"_{name}": f"try_cast({name} AS double)" for name in NUMBER_FIELDS},
    }
    return _columns(expressions)


def _hosts() -> dict[str, Column]:
    return _columns({"page_host": host_of("_page"), "referrer_host": host_of("_referrer")})


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
    """Client fields in their declared types, and the columns that later releases fill."""
    return _columns(
        {
            "visitor_id": "coalesce(anonymous_id, user_id)",
            **{name: f"try_cast(try_cast({name} AS double) AS int)" for name in INTEGER_FIELDS},
            **{name: f"_{name}" for name in NUMBER_FIELDS},
            **{name: f"try_cast({name} AS boolean)" for name in BOOLEAN_FIELDS},
            **dict.fromkeys(_NOT_YET, "CAST(NULL AS string)"),
            "is_bot": "false",
            "pii_flags": "CAST(array() AS array<string>)",
            "quality_score": "1D",
            "quality_flags": "CAST(array() AS array<string>)",
            "rules_version": f"'{RULES_VERSION}'",
        }
    )


def _locate() -> dict[str, Column]:
    return _columns(
        {
            "page_path": path_of("_page"),
            **{f"utm_{name}": query_parameter("page_url", f"utm_{name}") for name in _UTM},
        }
    )


def _attribute() -> dict[str, Column]:
    """Where the visit came from: UTM parameters, else another host's link, else direct."""
    outside = "nullif(referrer_host, coalesce(page_host, ''))"
    return _columns(
        {
            "source": f"coalesce(utm_source, {outside}, '{DIRECT}')",
            "medium": "CASE WHEN utm_medium IS NOT NULL THEN utm_medium "
            "WHEN utm_source IS NOT NULL THEN '(not set)' "
            f"WHEN {outside} IS NOT NULL THEN 'referral' ELSE '(none)' END",
            "campaign": "utm_campaign",
        }
    )


def _convert(settings: Settings) -> dict[str, Column]:
    """The default conversion rule: every custom_event with a value."""
    is_conversion = F.expr("event_type = 'custom_event' AND value IS NOT NULL")
    site_currency = F.lit(settings.default_currency)
    for site, currency in settings.currencies.items():
        site_currency = F.when(F.col("site_id") == site, F.lit(currency)).otherwise(site_currency)
    sent_currency = F.expr("upper(nullif(currency, ''))")
    in_site_currency = F.coalesce(sent_currency, site_currency) == site_currency
    return {
        "is_conversion": is_conversion,
        "revenue": F.when(
            is_conversion & in_site_currency, F.expr("try_cast(value AS decimal(18,4))")
        ),
    }


def _columns(expressions: dict[str, str]) -> dict[str, Column]:
    return {name: F.expr(sql) for name, sql in expressions.items()}
