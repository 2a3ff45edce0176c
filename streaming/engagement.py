"""Engaged time: for how long a session, and each of its pages, showed activity; as SQL.

The model of Snowplow's page pings: time is cut into slots of ten seconds, and each slot in which
the visitor did something counts as a whole (docs/metrics.md has the source and the differences).
Aggregates over a session's rows of `silver.events`, small and mergeable, for the state that is kept
of each visitor; and what they say of the session.
"""

from __future__ import annotations

SLOT_S = 10
# A day has 8,640 slots, but a crawler may see a million pages in it: pages are told apart for so
# many events of a session, the first ones. Somebody acting every ten seconds takes five hours.
MAX_EVENTS = 2_000

# Sent when the visitor has gone.
_IS_ACTIVITY = "event_type <> 'session_end'"
_SLOT = f"unix_seconds(event_time) div {SLOT_S}"

# Output column -> aggregate over the session's rows.
ENGAGEMENT = {
    "_slots": f"collect_set({_SLOT}) FILTER (WHERE {_IS_ACTIVITY})",
    "_page_slots": f"min_by(struct(page_path, {_SLOT} AS slot), struct(event_time, event_id), "
    f"{MAX_EVENTS}) FILTER (WHERE {_IS_ACTIVITY} AND page_path IS NOT NULL)",
}


def _let(name: str, value: str, body: str) -> str:
    """SQL of `body` with `value` computed once and known as `name`, also inside lambdas."""
    return f"transform(array({value}), {name} -> {body})[0]"


def _count_slots() -> str:
    """SQL of the session's pages, in the order of their paths, each with its slots as seconds.

    Sorted by path, a page's slots lie together: from its first place to that of the next page.
    """
    distinct = "array_sort(array_distinct(coalesce(_page_slots, array())))"
    starts = (
        "array_compact(transform(sorted, (one, place) -> CASE WHEN place = 0 "
        "OR one.page_path <> get(sorted, place - 1).page_path THEN place END))"
    )
    page = (
        "named_struct('page_path', get(sorted, start).page_path, 'engaged_s', "
        f"CAST({SLOT_S} * (coalesce(get(starts, number + 1), size(sorted)) - start) AS double))"
    )
    pages = f"transform(starts, (start, number) -> {page})"
    return _let("sorted", distinct, _let("starts", starts, pages))


# Column of `silver.sessions` -> its expression over the aggregates.
MEASURES = {
    "engaged_time_s": f"CAST({SLOT_S} * size(coalesce(_slots, array())) AS double)",
    "pages": _count_slots(),
}
