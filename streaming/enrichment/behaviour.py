"""Bots by behaviour: what a whole session does, to a `BotReason` or none, as SQL.

Aggregates over a session's rows of `silver.events`, small and mergeable, for the state that is kept
of each visitor; and the verdict over them. Precision comes first: whoever is taken for a bot is
missing from every metric, so what a person might do too is no sign. docs/bots.md argues each.
"""

from __future__ import annotations

from schemas.bots import BotReason
from streaming import clock
from streaming.enrichment.bots import BehaviourThresholds

# Columns of `silver.events` that the aggregates read.
BEHAVIOUR_COLUMNS = (
    "event_type",
    "client_time",
    "page_path",
    "screen_width",
    "viewport_width",
    "load_time_ms",
)

# Pages are told apart by one of 64 bits each: never more bits than pages, in 8 bytes.
_PAGE_BITS = 64
_IS_VIEW = "event_type = 'page_view'"


def behaviour_aggregates() -> dict[str, str]:
    """SQL of the aggregates over the rows of one session, by output column."""
    page_bit = f"shiftleft(1L, int(pmod(xxhash64(page_path), {_PAGE_BITS})))"
    has_screen = "coalesce(screen_width, viewport_width, load_time_ms) IS NOT NULL"
    return {
        "_b_first_time": "min(client_time)",
        "_b_last_time": "max(client_time)",
        "_b_page_bits": f"bit_or({page_bit}) FILTER (WHERE {_IS_VIEW})",
        # Sent by itself is: session_start, session_end, and any custom_event.
        "_b_touches": "count_if(event_type IN ('click', 'scroll', 'form_submit', 'video_play'))",
        "_b_inputs": "count_if(event_type IN ('click', 'form_submit'))",
        "_b_views_on_screen": f"count_if({_IS_VIEW} AND {has_screen})",
    }


def judge_behaviour(thresholds: BehaviourThresholds) -> str:
    """SQL of the session's `BotReason` by behaviour, or null.

    Over the columns of `behaviour_aggregates`, event_count, page_views, session_start and
    session_end of the complete session.
    """
    by_server = clock.seconds_between("session_start", "session_end")
    by_client = clock.seconds_between("_b_first_time", "_b_last_time")
    # A client whose clock is far ahead, and who sends late, has all events at their arrival; one
    # whose clock jumps back has them closer together. The longer time is the safer.
    duration_s = f"greatest({by_server}, {by_client})"
    has_many_pages = f"bit_count(_b_page_bits) >= {thresholds.min_different_pages}"
    acts = f"greatest(_b_inputs, CASE WHEN {has_many_pages} THEN page_views ELSE 0 END)"
    is_rate = f"{acts} * 60 > {float(thresholds.max_acts_per_minute)}D * greatest({duration_s}, 60)"
    is_thoughtless = (
        f"page_views >= {thresholds.min_events} AND {has_many_pages} AND _b_touches = 0 "
        f"AND {duration_s} < {float(thresholds.min_think_time_s)}D * (page_views - 1)"
    )
    is_single_type = (
        f"page_views >= {thresholds.min_single_type_events} AND {has_many_pages} "
        "AND event_count = page_views AND _b_views_on_screen = 0 AND "
        f"{duration_s} < {float(thresholds.min_single_type_think_time_s)}D * (page_views - 1)"
    )
    return (
        # A clock that stands still (a sender that knows the day only) says nothing of the pace.
        f"CASE WHEN event_count < {thresholds.min_events} OR _b_first_time = _b_last_time "
        "THEN NULL "
        f"WHEN {is_rate} THEN '{BotReason.BEHAVIOUR_RATE}' "
        f"WHEN {is_thoughtless} THEN '{BotReason.BEHAVIOUR_NO_THINK_TIME}' "
        f"WHEN {is_single_type} THEN '{BotReason.BEHAVIOUR_SINGLE_TYPE}' END"
    )
