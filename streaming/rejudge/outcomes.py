"""Which table each record belongs in under today's rules.

From rows of `bronze.events`, with what they are at present, to events, dead letters and duplicates.
The bytes are parsed anew, so a new parser counts as well. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from schemas.reject import DuplicateTier
from schemas.silver import DUPLICATES
from settings.model import Settings
from streaming.bronze import parse_raw
from streaming.enrich import enrich_events
from streaming.rules import Rules
from streaming.silver import KEY, describe_letters, judge_events

# What of `bronze.events` is no reading of the bytes.
RECORD_COLUMNS = (*KEY, "raw", "arrival_time", "stream_time")


@dataclass(frozen=True)
class Outcomes:
    """Every record judged again is in exactly one of these.

    events: columns of `silver.events` and is_new (it was not there before).
    dead_letters, duplicates: columns of those tables.
    """

    events: DataFrame
    dead_letters: DataFrame
    duplicates: DataFrame

    def keep_new(self, condition: str) -> Outcomes:
        """Without the new events that do not meet the condition: they stay what they are."""
        return replace(self, events=self.events.where(f"NOT is_new OR ({condition})"))


def judge_records(records: DataFrame, settings: Settings) -> DataFrame:
    """Judge records as if they came in today.

    records: RECORD_COLUMNS of `bronze.events`, and was_late (boolean: is_late of the record's row
    in `silver.events`, null where it has none). Returns the columns of `judge_events` and was_late.
    """
    return judge_events(parse_raw(records), settings, "was_late")


def part_records(judged: DataFrame, settings: Settings, rules: Rules) -> Outcomes:
    """Give each judged record its table.

    Of several copies the one that is in `silver.events` stays, else the first to arrive goes in.
    judged: what `judge_records` returned, stored: on top of its own plan, Spark would carry every
    filter down into all the expressions of the judging, which grow beyond any memory.
    """
    order = [F.col("was_late").isNull(), F.col("arrival_time"), *(F.col(name) for name in KEY)]
    copies = Window.partitionBy("site_id", "event_id").orderBy(*order)
    accepted = judged.where("event IS NOT NULL").withColumn("_rank", F.row_number().over(copies))
    first = accepted.where("_rank = 1").select("event.*", "was_late").drop("is_late")
    # What comes in by this way is late for the session windows, whenever it had arrived.
    first = first.withColumns(
        {"is_late": F.expr("coalesce(was_late, true)"), "is_new": F.expr("was_late IS NULL")}
    )
    return Outcomes(
        events=enrich_events(first, settings, rules, "is_new"),
        dead_letters=describe_letters(judged.where("event IS NULL"), rules.version),
        duplicates=describe_copies(accepted.where("_rank > 1")),
    )


def settle_clashes(outcomes: Outcomes, events: DataFrame) -> Outcomes:
    """New events that `silver.events` has by a record that was not judged are copies of it.

    events: `silver.events`.
    """
    others = events.select("site_id", "event_id", *KEY)
    unjudged = others.join(outcomes.events.select(*KEY), [*KEY], how="left_anti")
    known = unjudged.select("site_id", "event_id")
    new, old = outcomes.events.where("is_new"), outcomes.events.where("NOT is_new")
    clashes = new.join(known, ["site_id", "event_id"], how="left_semi")
    return Outcomes(
        events=old.unionByName(new.join(known, ["site_id", "event_id"], how="left_anti")),
        dead_letters=outcomes.dead_letters,
        duplicates=outcomes.duplicates.unionByName(describe_copies(clashes)),
    )


def describe_copies(copies: DataFrame) -> DataFrame:
    """Accepted records whose event is in by another record, as rows of `silver.duplicates`.

    copies: topic, partition, offset, site_id, event_id, arrival_time, body_hash.
    """
    return copies.select(
        *KEY,
        "site_id",
        "event_id",
        "arrival_time",
        F.to_date("arrival_time").alias("arrival_date"),
        F.lit(str(DuplicateTier.HISTORY)).alias("tier"),
        "body_hash",
    ).select(*DUPLICATES.column_names)
