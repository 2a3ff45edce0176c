"""What `streaming.ledger.verify` asks: SQL that counts what is wrong, 0 where nothing is; pure.

Each table from the one before it, in plain SQL, so by other means than the streams that wrote it.
Tables are `{layer_table}`.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from schemas.table import GoldTable
from settings.model import Settings
from streaming.checkpoints import latest_batch, read_offsets
from streaming.clock import MICROS, watermark_delay_s
from streaming.progress import first_offsets
from streaming.runtime import checkpoint_uri

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_DAY_S = 86_400


def each_record_once(*, has_expired: bool) -> str:
    """SQL of how many records have not one outcome; of the days that Bronze still has."""
    kept = ""
    if has_expired:
        kept = "WHERE to_date(arrival_time) >= (SELECT min(arrival_date) FROM {bronze_events})"
    outcomes = " UNION ALL ".join(
        f"SELECT topic, partition, offset, 0, 1 FROM {{{table}}} {kept}"
        for table in ("silver_events", "bronze_dead_letters", "silver_duplicates")
    )
    return f"""
SELECT count(*) FROM (
  SELECT sum(records) AS records, sum(outcomes) AS outcomes FROM (
    SELECT topic, partition, offset, 1 AS records, 0 AS outcomes FROM {{bronze_events}}
    UNION ALL {outcomes})
  GROUP BY topic, partition, offset)
WHERE records <> 1 OR outcomes <> 1"""


EVENTS_TWICE = """
SELECT coalesce(sum(copies - 1), 0) FROM (
  SELECT count(*) AS copies FROM {silver_events} GROUP BY site_id, event_id)"""

DUPLICATES_WITHOUT_EVENT = """
SELECT count(*) FROM {silver_duplicates} AS copies
LEFT ANTI JOIN {silver_events} AS events
ON copies.site_id = events.site_id AND copies.event_id = events.event_id"""


COPIES_WITH_ANOTHER_BODY = """
SELECT count(*) FROM {silver_duplicates} AS copies JOIN {silver_events} AS events
ON copies.site_id = events.site_id AND copies.event_id = events.event_id
AND copies.body_hash <> events.body_hash"""


def offset_gaps(settings: Settings, *, has_expired: bool) -> str:
    """SQL of how many offsets Bronze lacks, from where it began to read each partition.

    has_expired: from the first it still has.
    """
    begun = " ".join(
        f"WHEN topic = '{settings.kafka.topic}' AND partition = {partition} THEN {offset}"
        for partition, offset in first_offsets(settings).items()
    )
    first = f"CASE {begun} ELSE 0 END" if begun else "0"
    if has_expired:
        first = "min(offset)"
    return f"""
SELECT coalesce(sum(expected - found), 0) FROM (
  SELECT max(offset) + 1 - {first} AS expected, count(DISTINCT offset) AS found
  FROM {{bronze_events}} GROUP BY topic, partition)"""


def gold_wrong(table: GoldTable, stored: DataFrame, since: date | None = None) -> str:
    """SQL of the groups whose stored numbers are not those of the table's source.

    What is not added up is left out: merged sketches estimate the same set slightly differently.
    since: the first day that is compared; none: all.
    """
    added = {name for name, sql in table.stored.items() if sql.startswith(("count", "sum("))}
    numbers = [name for name in stored.columns if name in added]
    # Sums of doubles depend on their order; beyond the microsecond they may differ.
    made = [f"round(double({table.stored[name]}), 6) AS {name}" for name in numbers]
    kept = [f"round(double(sum({name})), 6) AS {name}" for name in numbers]
    dimensions = [f"{sql} AS {name}" for name, sql in table.dimensions.items()]
    source, gold = (f"{{{name.replace('.', '_')}}}" for name in (table.source, table.name))
    made_columns = ", ".join((f"{table.bucket} AS bucket", *dimensions, *made))
    kept_columns = ", ".join(("bucket", *table.dimension_names, *kept))
    rows = f"(SELECT {', '.join(table.row_columns)} FROM {source})"
    # Not a parenthesis first: Spark would take WHERE for the name of the rows.
    made_since = f"{table.time} >= timestamp'{since}'" if since else "true"
    kept_since = f"WHERE bucket >= timestamp'{since}'" if since else ""
    expected = (
        f"SELECT {made_columns} FROM {rows} WHERE {made_since} AND ({table.where}) GROUP BY ALL"
    )
    actual = f"SELECT {kept_columns} FROM {gold} {kept_since} GROUP BY ALL"
    return (
        f"WITH expected AS ({expected}), actual AS ({actual}) SELECT count(*) FROM ("
        "(SELECT * FROM expected EXCEPT SELECT * FROM actual) UNION ALL "
        "(SELECT * FROM actual EXCEPT SELECT * FROM expected))"
    )


def sessions_wrong(settings: Settings) -> str:
    """SQL of the sessions that are missing or too many (docs/adr/0003).

    A chain is what gaps alone make of a visitor's events. One that is not longer than the limit of
    a session is a session as it stands; how longer ones are cut is left to the tests. Missing is
    only what must be closed: by the watermark, or by a late event that was repaired at once.
    """
    gap, delay, limit = (
        f"{round(seconds * MICROS)}L"
        for seconds in (
            settings.session.gap_s,
            watermark_delay_s(settings.session),
            _DAY_S - 2 * settings.session.gap_s,
        )
    )
    same = (
        "chains.site_id = sessions.site_id AND chains.visitor_id = sessions.visitor_id "
        "AND chains.first = sessions.session_start AND chains.last = sessions.session_end "
        "AND chains.events = sessions.event_count AND chains.views = sessions.page_views"
    )
    return f"""
WITH events AS (
  SELECT *, unix_micros(event_time) AS at, unix_micros(arrival_time) - {delay} AS marked,
    unix_micros(greatest(arrival_time, stream_time)) - {delay} AS probed,
    is_late AND unix_micros(arrival_time) - unix_micros(event_time) < {gap} + {delay} AS is_probe,
    lag(event_time) OVER (
      PARTITION BY site_id, visitor_id ORDER BY event_time, event_id) AS previous
  FROM {{silver_events}} WHERE visitor_id IS NOT NULL),
numbered AS (
  SELECT *, sum(CASE WHEN previous IS NULL OR at - unix_micros(previous) > {gap} THEN 1 ELSE 0 END)
    OVER (PARTITION BY site_id, visitor_id ORDER BY event_time, event_id) AS chain
  FROM events),
chains AS (
  SELECT site_id, visitor_id, min(event_time) AS first, max(event_time) AS last,
    count(*) AS events, count_if(event_type = 'page_view') AS views,
    max(at) - min(at) AS length,
    greatest(max(at), max(CASE WHEN is_probe THEN probed END)) + {gap} AS closes,
    greatest({_closed_micros(settings)}L, max(CASE WHEN is_late AND NOT is_probe THEN marked END))
      AS closed
  FROM numbered GROUP BY site_id, visitor_id, chain),
sessions AS (SELECT * FROM {{silver_sessions}})
SELECT
  (SELECT count(*) FROM (SELECT * FROM chains WHERE length <= {limit} AND closes < closed) AS chains
    LEFT ANTI JOIN sessions ON {same})
+ (SELECT count(*) FROM (SELECT * FROM sessions LEFT ANTI JOIN chains ON {same}) AS sessions
    LEFT ANTI JOIN chains ON chains.length > {limit}
    AND chains.site_id = sessions.site_id AND chains.visitor_id = sessions.visitor_id
    AND sessions.session_start >= chains.first AND sessions.session_end <= chains.last)"""


def _closed_micros(settings: Settings) -> int:
    """The event time up to which the last finished batch of `sessions` has closed them."""
    checkpoint = checkpoint_uri(settings, "sessions")
    done = latest_batch(checkpoint, "commits")
    if done is None:
        return 0
    metadata, _ = read_offsets(checkpoint, done)
    return int(metadata["batchWatermarkMs"]) * 1000
