"""Engaged time: for how long a session, and each of its pages, showed activity; as SQL.

The model of Snowplow's page pings: time is cut into slots of ten seconds, and each slot in which
the visitor did something counts as a whole (docs/metrics.md has the source and the differences).
One aggregate over a session's rows of `silver.events`, for the state that is kept of each visitor;
and what it says of the session.
"""

from __future__ import annotations

SLOT_S = 10

# Sent when the visitor has gone.
_IS_ACTIVITY = "event_type <> 'session_end'"

# Output column -> aggregate over the session's rows. A set: however many events a visitor sends, a
# page has at most 8,640 slots a day.
ENGAGEMENT = {
    "_slots": f"collect_set(struct(page_path, unix_seconds(event_time) div {SLOT_S} AS slot)) "
    f"FILTER (WHERE {_IS_ACTIVITY})",
}
_SLOTS = "coalesce(_slots, array())"


def _let(name: str, value: str, body: str) -> str:
    """SQL of `body` with `value` computed once and known as `name`, also inside lambdas."""
    return f"transform(array({value}), {name} -> {body})[0]"


def _count_slots() -> str:
    """SQL of the session's pages, in the order of their paths, each with its slots as seconds.

    Sorted by path, a page's slots lie together: from its first place to that of the next page.
    """
    of_pages = f"array_sort(filter({_SLOTS}, one -> one.page_path IS NOT NULL))"
    starts = (
        "array_compact(transform(sorted, (one, place) -> CASE WHEN place = 0 "
        "OR one.page_path <> get(sorted, place - 1).page_path THEN place END))"
    )
    page = (
        "named_struct('page_path', get(sorted, start).page_path, 'engaged_s', "
        f"CAST({SLOT_S} * (coalesce(get(starts, number + 1), size(sorted)) - start) AS double))"
    )
    pages = f"transform(starts, (start, number) -> {page})"
    return _let("sorted", of_pages, _let("starts", starts, pages))


# Column of `silver.sessions` -> its expression over the aggregate.
MEASURES = {
    "engaged_time_s": f"CAST({SLOT_S} * "
    f"size(array_distinct(transform({_SLOTS}, one -> one.slot))) AS double)",
    "pages": _count_slots(),
}
