"""Sessions by plain Python, one visitor at a time: written from the definitions, not from the code.

CONTRACT section 3: gaps of at most 30 minutes, ties by event id; docs/adr/0003 for the cut: a run
of events without a gap is one session while it touches at most two UTC days and lasts no longer
than 24 h less twice the gap, else it is cut at every midnight it passes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

GAP = timedelta(minutes=30)
LONGEST = timedelta(hours=23)
DIRECT = "(direct)"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Event = dict[str, Any]


def find_sessions(events: Iterable[Event]) -> list[dict[str, Any]]:
    """The sessions of any visitors' events, in no particular order."""
    by_visitor = defaultdict(list)
    for event in events:
        by_visitor[event["site_id"], event["visitor_id"]].append(event)
    return [
        _describe(session)
        for visits in by_visitor.values()
        for run in _split_at_gaps(sorted(visits, key=_order))
        for session in _cut_at_midnights(run)
    ]


def _order(event: Event) -> tuple[datetime, str]:
    return event["event_time"], event["event_id"]


def _split_at_gaps(events: list[Event]) -> Iterator[list[Event]]:
    run: list[Event] = []
    for event in events:
        if run and event["event_time"] - run[-1]["event_time"] > GAP:
            yield run
            run = []
        run.append(event)
    yield run


def _cut_at_midnights(run: list[Event]) -> list[list[Event]]:
    days: dict[Any, list[Event]] = defaultdict(list)
    for event in run:
        days[event["event_time"].astimezone(UTC).date()].append(event)
    lasts = run[-1]["event_time"] - run[0]["event_time"]
    return [run] if len(days) <= 2 and lasts <= LONGEST else list(days.values())


def _describe(events: list[Event]) -> dict[str, Any]:
    first, last = events[0], events[-1]
    views = [event for event in events if event["event_type"] == "page_view"]
    origin = next((event for event in events if event["source"] != DIRECT), None)
    duration_s = (last["event_time"] - first["event_time"]) / timedelta(seconds=1)
    conversions = sum(event["is_conversion"] for event in events)
    active = [event for event in events if event["event_type"] != "session_end"]
    is_engaged = duration_s >= 10 or len(views) >= 2 or conversions >= 1
    return {
        "site_id": first["site_id"],
        "visitor_id": first["visitor_id"],
        "user_id": next((e["user_id"] for e in reversed(events) if e["user_id"]), None),
        "session_start": first["event_time"],
        "session_end": last["event_time"],
        "session_date": first["event_time"].astimezone(UTC).date(),
        "duration_s": duration_s,
        "event_count": len(events),
        "page_views": len(views),
        "is_engaged": is_engaged,
        "is_bounce": not is_engaged,
        "entry_page": views[0]["page_path"] if views else None,
        "exit_page": views[-1]["page_path"] if views else None,
        "source": origin["source"] if origin else DIRECT,
        "medium": (origin or first)["medium"],
        "campaign": (origin or first)["campaign"],
        "conversions": conversions,
        "revenue": sum((e["revenue"] for e in events if e["revenue"] is not None), Decimal(0)),
        "is_bot": any(event["is_bot"] for event in events),
        "engaged_time_s": 10.0 * len({_slot(event) for event in active}),
        "pages": [
            {
                "page_path": path,
                "engaged_s": 10.0 * len({_slot(e) for e in active if e["page_path"] == path}),
            }
            for path in sorted({e["page_path"] for e in active if e["page_path"] is not None})
        ],
    }


def _slot(event: Event) -> int:
    """docs/metrics.md: ten seconds of Unix time, in which something was done."""
    return (event["event_time"] - _EPOCH) // timedelta(seconds=10)
