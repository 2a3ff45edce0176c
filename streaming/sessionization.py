"""Sessions: event streams to closed sessions, and the same by batch for what came late.

`sessionize_stream` closes sessions of on-time events with Spark's session window, in pieces that
never cross a UTC midnight, so that no visitor can keep a window open for more than a day.
`sessionize_events` computes the final sessions of some visitors from all their events: pieces that
touch midnight are joined, late events are in. docs/adr/0003 argues why the two agree.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from schemas.bots import BEHAVIOUR_PREFIX
from schemas.silver import SESSIONS
from settings.model import SessionSettings
from streaming import clock
from streaming.engagement import ENGAGEMENT, MEASURES
from streaming.enrichment.attribution import DIRECT
from streaming.enrichment.behaviour import (
    BEHAVIOUR_COLUMNS,
    behaviour_aggregates,
    judge_behaviour,
)
from streaming.enrichment.bots import BehaviourThresholds

DAY_S = 86_400
_VISITOR = ("site_id", "visitor_id")
_ORDER = "struct(event_time, event_id)"
_PAGE_VIEW = "event_type = 'page_view'"
_IS_FLAGGED = f"is_bot AND NOT coalesce(bot_reason LIKE '{BEHAVIOUR_PREFIX}%', false)"

# Output column -> aggregate over the session's rows of `silver.events`. Ties of event_time are
# broken by event_id, and money is added as decimals: the same events give the same session,
# in whatever order they come.
_AGGREGATES = {
    "session_start": "min(event_time)",
    "session_end": "max(event_time)",
    "event_count": "count(1)",
    "page_views": f"count_if({_PAGE_VIEW})",
    "user_id": f"max_by(user_id, {_ORDER}) FILTER (WHERE user_id IS NOT NULL)",
    "entry_page": f"min_by(page_path, {_ORDER}) FILTER (WHERE {_PAGE_VIEW})",
    "exit_page": f"max_by(page_path, {_ORDER}) FILTER (WHERE {_PAGE_VIEW})",
    "_origin": f"min_by(struct(source, medium, campaign, channel), {_ORDER}) "
    f"FILTER (WHERE source <> '{DIRECT}')",
    "_first": f"min_by(struct(medium, campaign, channel, device_type, browser, os, country, "
    f"city), {_ORDER})",
    "conversions": "count_if(is_conversion)",
    "revenue": "sum(revenue)",
    # An earlier verdict on behaviour is no evidence of behaviour (docs/adr/0007).
    "is_bot": f"bool_or({_IS_FLAGGED})",
    "bot_reason": f"min_by(bot_reason, {_ORDER}) FILTER (WHERE {_IS_FLAGGED})",
    **ENGAGEMENT,
    **behaviour_aggregates(),
}
_BEHAVIOUR = tuple(behaviour_aggregates())
EVENT_COLUMNS = (
    *_VISITOR,
    "event_id",
    "event_type",
    "event_time",
    "user_id",
    "page_path",
    "source",
    "medium",
    "campaign",
    "channel",
    "device_type",
    "browser",
    "os",
    "country",
    "city",
    "is_conversion",
    "revenue",
    "is_bot",
    "bot_reason",
    *(name for name in BEHAVIOUR_COLUMNS if name not in ("event_type", "page_path")),
)


def sessionize_stream(
    events: DataFrame, heartbeats: DataFrame, settings: SessionSettings
) -> DataFrame:
    """Close pieces of sessions as the watermark passes their end.

    events: stream of `silver.events`; heartbeats: stream of `ops.heartbeats`. Returns the columns
    of `silver.sessions` and of `behaviour_aggregates`, for `judge_sessions`, and: first_day and
    last_day (dates of the events concerned), has_late (a late event keeps company with the piece:
    only a look into Silver tells its sessions).
    """
    # A late event that can still belong to an open session enters as a probe, moved ahead of the
    # watermark: the window it opens closes when that session can be computed.
    ahead = clock.add_seconds(
        "greatest(arrival_time, stream_time)", 0.001 - clock.watermark_delay_s(settings)
    )
    is_probe = (
        f"{clock.seconds_between('event_time', 'arrival_time')} "
        f"< {settings.gap_s + clock.watermark_delay_s(settings)}D"
    )
    windowed = events.where(f"visitor_id IS NOT NULL AND (NOT is_late OR {is_probe})").select(
        *EVENT_COLUMNS,
        F.expr(f"CASE WHEN is_late THEN greatest(event_time, {ahead}) ELSE event_time END").alias(
            "window_time"
        ),
        "is_late",
    )
    pulses = heartbeats.select(F.col("complete_at").alias("window_time"))
    pieces = (
        windowed.unionByName(pulses, allowMissingColumns=True)
        .withWatermark("window_time", f"{clock.watermark_delay_s(settings)} seconds")
        .groupBy(
            *_VISITOR,
            F.to_date("window_time").alias("_day"),
            F.session_window("window_time", f"{settings.gap_s} seconds").alias("_window"),
        )
        .agg(
            *_aggregates(),
            F.expr("bool_or(is_late)").alias("has_late"),
            F.expr("to_date(min(event_time))").alias("first_day"),
            F.expr("to_date(max(event_time))").alias("last_day"),
        )
        # The heartbeats' own window has no events. (A filter on the visitor would be pushed down to
        # the heartbeats themselves, and take them from the watermark.)
        .where("session_start IS NOT NULL")
    )
    return describe_sessions(pieces, *_BEHAVIOUR, "has_late", "first_day", "last_day")


def sessionize_events(
    events: DataFrame, settings: SessionSettings, thresholds: BehaviourThresholds
) -> DataFrame:
    """Compute all sessions of the given events, closed or not.

    events: columns EVENT_COLUMNS, with every event of the visitors in the days concerned. Events
    without consent have no visitor, and so no session.
    Returns the columns of `silver.sessions`.
    """
    gap = clock.seconds_between("_previous", "event_time")
    by_visitor = Window.partitionBy(*_VISITOR).orderBy("event_time", "event_id")
    is_first = F.expr(
        f"_previous IS NULL OR {gap} > {settings.gap_s}D "
        "OR to_date(event_time) <> to_date(_previous)"
    )
    in_pieces = (
        events.where("visitor_id IS NOT NULL")
        .withColumn("_previous", F.lag("event_time").over(by_visitor))
        .withColumn("_piece", F.sum(is_first.cast("int")).over(by_visitor))
        .drop("_previous")
    )
    joined = _join_at_midnight(in_pieces, settings)
    sessions = joined.groupBy(*_VISITOR, "_session").agg(*_aggregates())
    return judge_sessions(describe_sessions(sessions, *_BEHAVIOUR), thresholds)


def judge_sessions(sessions: DataFrame, thresholds: BehaviourThresholds) -> DataFrame:
    """Put the verdict on behaviour where no event has shown a bot already.

    sessions: columns of `silver.sessions` and of `behaviour_aggregates`; these are dropped.
    """
    reason = F.expr(f"coalesce(bot_reason, {judge_behaviour(thresholds)})")
    return (
        sessions.withColumn("bot_reason", reason)
        .withColumn("is_bot", F.expr("is_bot OR bot_reason IS NOT NULL"))
        .drop(*_BEHAVIOUR)
    )


def _join_at_midnight(in_pieces: DataFrame, settings: SessionSettings) -> DataFrame:
    """Number the sessions: two pieces that meet at a UTC midnight are one session.

    Unless together they would last longer than 24 h less twice the gap: then midnight is the cut
    that a visitor who never pauses gets. A piece that fills its day, touching both midnights,
    always exceeds that with any neighbour; so at most two pieces ever join, and whether they do
    depends on nothing else. A session bears the number of its first piece.
    """
    limit_s = DAY_S - 2 * settings.gap_s
    piece = Window.partitionBy(*_VISITOR, "_piece")
    piece_before = Window.partitionBy(*_VISITOR).orderBy("_piece").rangeBetween(-1, -1)
    is_joined = (
        "_previous_end IS NOT NULL "
        f"AND {clock.seconds_between('_previous_end', '_start')} <= {settings.gap_s}D "
        f"AND {clock.seconds_between('_previous_start', '_end')} <= {limit_s}D"
    )
    return (
        in_pieces.withColumn("_start", F.min("event_time").over(piece))
        .withColumn("_end", F.max("event_time").over(piece))
        .withColumn("_previous_start", F.min("_start").over(piece_before))
        .withColumn("_previous_end", F.max("_end").over(piece_before))
        .withColumn("_session", F.expr(f"CASE WHEN {is_joined} THEN _piece - 1 ELSE _piece END"))
    )


def describe_sessions(aggregated: DataFrame, *extra: str) -> DataFrame:
    """Shape aggregates into the columns of `silver.sessions`, and keep the `extra` ones."""
    duration = clock.seconds_between("session_start", "session_end")
    is_engaged = f"({duration} >= 10 OR page_views >= 2 OR conversions >= 1)"
    origin = {
        name: f"CASE WHEN _origin IS NULL THEN _first.{name} ELSE _origin.{name} END"
        for name in ("medium", "campaign", "channel")
    }
    derived = {
        "session_id": "left(sha2(concat_ws('|', length(site_id), site_id, visitor_id, "
        "unix_micros(session_start)), 256), 32)",
        "session_date": "to_date(session_start)",
        "duration_s": duration,
        "is_engaged": is_engaged,
        "is_bounce": f"NOT {is_engaged}",
        "source": f"coalesce(_origin.source, '{DIRECT}')",
        **origin,
        **{name: f"_first.{name}" for name in ("device_type", "browser", "os", "country", "city")},
        **MEASURES,
        "revenue": "CAST(coalesce(revenue, 0) AS decimal(28,4))",
    }
    # A column passed on must not be aliased to itself: Spark loses such a column's constraints on
    # the way into foreachBatch ("key not found").
    columns = [
        F.expr(derived[name]).alias(name) if name in derived else F.col(name)
        for name in SESSIONS.column_names
    ]
    return aggregated.select(*columns, *extra)


def _aggregates() -> list[Column]:
    return [F.expr(sql).alias(name) for name, sql in _AGGREGATES.items()]
