"""What the endpoints must answer, counted by hand: plain Python over the rows of the lake.

It shares nothing with the statements under test.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

from tests.serving.lake import Row

Keys = tuple[str, ...]


def count_pages(events: list[Row], sessions: list[Row]) -> list[Row]:
    """What /pages must answer for these rows, which are already filtered."""
    views = _group([event for event in events if event["event_type"] == "page_view"], "page_path")
    scrolls = _group([event for event in events if event["event_type"] == "scroll"], "page_path")
    engaged = _group([page for session in sessions for page in session["pages"]], "page_path")
    entries = _group(sessions, "entry_page")
    exits = _group([s for s in sessions if s["exit_page"] is not None], "exit_page")
    pages = [
        {
            "page_path": path,
            "page_views": len(views[path]),
            "unique_visitors": len({event["visitor_id"] for event in views[path]}),
            "entries": len(entries[path]),
            "exits": len(exits[path]),
            "bounce_rate": _divide(sum(s["is_bounce"] for s in entries[path]), len(entries[path])),
            "avg_engaged_time_s": _mean([page["engaged_s"] for page in engaged[path]]),
            **{
                f"load_time_p{percent}_ms": _percentile(
                    [event["load_time_ms"] for event in views[path]], percent
                )
                for percent in (50, 90, 99)
            },
            "avg_scroll_depth_percent": _mean(
                [event["scroll_depth_percent"] for event in scrolls[path]]
            ),
        }
        for path in sorted({*views, *scrolls, *entries, *exits, *engaged})
    ]
    return sorted(pages, key=lambda page: (-page["page_views"], page["page_path"]))


def count_sessions(sessions: list[Row]) -> list[Row]:
    """What /sessions must answer for these rows, which are already filtered."""
    if not sessions:
        return []
    total = len(sessions)
    durations = [session["duration_s"] for session in sessions]
    return [
        {
            "sessions": total,
            "engaged_sessions": sum(s["is_engaged"] for s in sessions),
            "bounces": sum(s["is_bounce"] for s in sessions),
            "bounce_rate": sum(s["is_bounce"] for s in sessions) / total,
            "avg_duration_s": sum(durations) / total,
            "duration_p50_s": _percentile(durations, 50),
            "duration_p90_s": _percentile(durations, 90),
            "pages_per_session": sum(s["page_views"] for s in sessions) / total,
            "unique_visitors": len({s["visitor_id"] for s in sessions}),
            "conversions": sum(s["conversions"] for s in sessions),
            "revenue": float(sum(s["revenue"] or 0 for s in sessions)),
            "avg_engaged_time_s": _mean([s["engaged_time_s"] for s in sessions]),
            "page_views": sum(s["page_views"] for s in sessions),
        }
    ]


def count_sources(sessions: list[Row], keys: Keys) -> list[Row]:
    """What /traffic-sources must answer, by `keys`."""
    names = ("sessions", "unique_visitors", "bounce_rate", "conversions", "revenue")
    rows = []
    for key, group in _group_by(sessions, keys).items():
        (numbers,) = count_sessions(group)
        rows.append({**dict(zip(keys, key, strict=True)), **{n: numbers[n] for n in names}})
    return _sorted(rows, ("sessions",), keys)


def count_places(events: list[Row], sessions: list[Row], keys: Keys) -> list[Row]:
    """What /geo must answer, and /devices but for the share, by `keys`."""
    by_events, by_sessions = _group_by(events, keys), _group_by(sessions, keys)
    rows = [
        {
            **dict(zip(keys, key, strict=True)),
            "sessions": len(by_sessions[key]),
            "unique_visitors": len({event["visitor_id"] for event in by_events[key]}),
            "page_views": sum(event["event_type"] == "page_view" for event in by_events[key]),
        }
        for key in {*by_events, *by_sessions}
    ]
    return _sorted(rows, ("sessions", "page_views"), keys)


def count_devices(events: list[Row], sessions: list[Row], keys: Keys) -> list[Row]:
    """What /devices must answer, by `keys`."""
    rows = count_places(events, sessions, keys)
    return [{**row, "share": _divide(row["sessions"], len(sessions))} for row in rows]


def count_conversions(events: list[Row]) -> list[Row]:
    """What /conversions must answer for these events of any kind."""
    visitors = {event["visitor_id"] for event in events}
    named = [
        {**event, "called": event["event_name"] or event["event_type"]}
        for event in events
        if event["is_conversion"]
    ]
    rows = []
    for name, group in _group(named, "called").items():
        converted = {event["visitor_id"] for event in group}
        rows.append(
            {
                "event_name": name,
                "conversions": len(group),
                "unique_visitors": len(converted),
                "conversion_rate": len(converted) / len(visitors),
                "value": float(sum(event["revenue"] or 0 for event in group)),
            }
        )
    return _sorted(rows, ("conversions",), ("event_name",))


def count_performance(events: list[Row], metric: str, page: str | None = None) -> Row:
    """What /performance must answer of one metric, but for the rating."""
    values = [
        event.get(metric)
        for event in events
        if event["event_type"] == "page_view" and page in (None, event["page_path"])
    ]
    return {
        "metric": metric,
        "page_path": page,
        "samples": sum(value is not None for value in values),
        **{f"p{percent}": _percentile(values, percent) for percent in (50, 75, 90, 99)},
    }


def _group_by(rows: list[Row], keys: Keys) -> defaultdict[tuple[Any, ...], list[Row]]:
    groups: defaultdict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[key] for key in keys)].append(row)
    return groups


def _sorted(rows: list[Row], descending: Keys, keys: Keys) -> list[Row]:
    """As SQL has it: nothing comes before any text."""
    return sorted(
        rows,
        key=lambda row: (
            *(-row[name] for name in descending),
            *(row[key] or "" for key in keys),
        ),
    )


def _group(rows: list[Row], column: str) -> defaultdict[str, list[Row]]:
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[column]].append(row)
    return groups


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _divide(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _percentile(values: list[float | None], percent: int) -> float | None:
    """Exact, by the nearest rank: so few values lie in a sketch one by one."""
    known = sorted(value for value in values if value is not None)
    return known[math.ceil(len(known) * percent / 100) - 1] if known else None
