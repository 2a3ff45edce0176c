"""What the product must come to: counted from the records as they are sent.

From `traffic.generate.Record`s to one plain dictionary. Counts and sums are exact; sessions are by
the definition of CONTRACT section 3, bots included.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from traffic.faults import Record
from traffic.visits import Event

_GAP_MS = 1_800_000
_ENGAGED_MS = 10_000

# One event of a visitor: (time in ms, is a page view, is a conversion).
_Step = tuple[int, bool, bool]


class Truth:
    """Counts records; with `has_details` also pages and sessions, which takes memory per event."""

    def __init__(self, seed: int, start_ms: int, has_details: bool) -> None:
        self._seed, self._start_ms, self._has_details = seed, start_ms, has_details
        self._kinds: Counter[str] = Counter()
        self._types: Counter[str] = Counter()
        self._invalid: Counter[str] = Counter()
        self._revenue = Decimal(0)
        self._page_views: Counter[str] = Counter()
        self._page_visitors: defaultdict[str, set[str]] = defaultdict(set)
        self._steps: defaultdict[str, list[_Step]] = defaultdict(list)
        self._bot_visitors: set[str] = set()

    def count(self, record: Record) -> None:
        """Take one sent record into account."""
        self._kinds["records"] += 1
        if isinstance(record.content, bytes):
            self._invalid[str(record.reason)] += 1
            return
        if record.is_copy:
            self._kinds["duplicates"] += 1
            return
        event = record.content
        self._kinds["events"] += 1
        self._kinds["late"] += record.is_late
        self._types[event["event_type"]] += 1
        if record.is_bot:
            self._kinds["bot_events"] += 1
            self._kinds["bot_page_views"] += event["event_type"] == "page_view"
        if "value" in event:
            self._kinds["conversions"] += 1
            self._revenue += Decimal(str(event["value"]))
        if self._has_details:
            self._count_details(event, record.is_bot)

    def report(self) -> dict[str, Any]:
        """The numbers so far."""
        numbers: dict[str, Any] = {
            "seed": self._seed,
            "start": datetime.fromtimestamp(self._start_ms / 1000, UTC).isoformat(),
            **{name: self._kinds[name] for name in ("records", "events", "duplicates", "late")},
            "invalid": self._invalid.total(),
            "invalid_by_reason": dict(sorted(self._invalid.items())),
            "events_by_type": dict(sorted(self._types.items())),
            "page_views": self._types["page_view"],
            "conversions": self._kinds["conversions"],
            "revenue": float(self._revenue),
            "bots": {
                "events": self._kinds["bot_events"],
                "page_views": self._kinds["bot_page_views"],
            },
        }
        if self._has_details:
            numbers["unique_visitors"] = len(self._steps)
            numbers["bots"]["unique_visitors"] = len(self._bot_visitors)
            numbers["sessions"] = self._count_sessions()
            numbers["pages"] = {
                path: {"page_views": views, "unique_visitors": len(self._page_visitors[path])}
                for path, views in self._page_views.most_common()
            }
        return numbers

    def _count_details(self, event: Event, is_bot: bool) -> None:
        visitor = event["anonymous_id"]
        is_page_view = event["event_type"] == "page_view"
        self._steps[visitor].append((event["event_timestamp"], is_page_view, "value" in event))
        if is_bot:
            self._bot_visitors.add(visitor)
        if is_page_view:
            path = urlsplit(event["page_url"]).path or "/"
            self._page_views[path] += 1
            self._page_visitors[path].add(visitor)

    def _count_sessions(self) -> dict[str, Any]:
        sessions = [session for steps in self._steps.values() for session in _split(steps)]
        engaged = sum(_is_engaged(session) for session in sessions)
        duration_ms = sum(session[-1][0] - session[0][0] for session in sessions)
        return {
            "sessions": len(sessions),
            "engaged_sessions": engaged,
            "bounces": len(sessions) - engaged,
            "duration_sum_s": duration_ms / 1000,
        }


def _split(steps: list[_Step]) -> list[list[_Step]]:
    sessions: list[list[_Step]] = []
    for step in sorted(steps):
        if sessions and step[0] - sessions[-1][-1][0] <= _GAP_MS:
            sessions[-1].append(step)
        else:
            sessions.append([step])
    return sessions


def _is_engaged(session: list[_Step]) -> bool:
    return (
        session[-1][0] - session[0][0] >= _ENGAGED_MS
        or sum(is_page_view for _, is_page_view, _ in session) >= 2
        or any(is_conversion for _, _, is_conversion in session)
    )
