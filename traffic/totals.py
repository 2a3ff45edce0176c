"""Sessions, pages, sources and devices by plain Python, from the definitions of CONTRACT section 3.

From what each visitor did to sums that add up over groups of visitors, and from those to the nested
dictionaries of the truth. Where sessions are cut after 24 hours: docs/adr/0003-sessions.md.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from traffic.agents import Device
from traffic.origins import DIRECT, Origin

_GAP_MS = 1_800_000
_DAY_MS = 86_400_000
_LONGEST_MS = _DAY_MS - 2 * _GAP_MS
_ENGAGED_MS = 10_000


class Act(NamedTuple):
    """One event of a visitor; in the order of time, ties by id."""

    at_ms: int
    event_id: str
    event_type: str
    path: str | None  # of a page view
    origin: Origin
    cents: int | None  # of a conversion
    is_site_currency: bool


class Tally:
    """What one group of visitors of one site did."""

    def __init__(self) -> None:
        # (kind of number, ...what it is about, name of the number) -> number
        self.sums: Counter[tuple[str | None, ...]] = Counter()
        self.acts: defaultdict[str, list[Act]] = defaultdict(list)
        self.devices: dict[str, Device | None] = {}
        self.undated_visitors: set[str] = set()
        self._page_visitors: set[tuple[str, str]] = set()
        self._day_visitors: set[tuple[str, str]] = set()

    def add(
        self, act: Act, visitor_id: str | None, device: Device | None, is_dated: bool, currency: str
    ) -> None:
        """Count one event; without consent (no visitor_id) it belongs to no visitor or session."""
        sums = self.sums
        sums["total", "events"] += 1
        sums["type", act.event_type] += 1
        if act.cents is not None:
            sums["total", "conversions"] += 1
            sums["currency", currency] += act.cents
        if act.path is not None:
            sums["total", "page_views"] += 1
            sums["page", act.path, "page_views"] += 1
            if device:
                sums[*_device_key(device), "page_views"] += 1
        day = _day_of(act.at_ms)
        if is_dated:
            sums["day", day, "events"] += 1
            sums["day", day, "page_views"] += act.path is not None
        if visitor_id is None:
            return
        self.acts[visitor_id].append(act)
        self.devices[visitor_id] = device
        if not is_dated:
            self.undated_visitors.add(visitor_id)
        elif (day, visitor_id) not in self._day_visitors:
            self._day_visitors.add((day, visitor_id))
            sums["day", day, "active_visitors"] += 1
        if act.path is not None and (act.path, visitor_id) not in self._page_visitors:
            self._page_visitors.add((act.path, visitor_id))
            sums["page", act.path, "unique_visitors"] += 1


def sum_up(tally: Tally) -> Counter[tuple[str | None, ...]]:
    """All sums of the tally, with its visitors and their sessions."""
    sums = tally.sums.copy()
    for visitor_id, acts in tally.acts.items():
        device = tally.devices[visitor_id]
        is_dated = visitor_id not in tally.undated_visitors
        seen: set[tuple[str | None, ...]] = {("total",)}
        for session in find_sessions(acts):
            _add_session(sums, session, device, is_dated, seen)
        for about in seen:  # each visitor once, however many sessions
            sums[*about, "unique_visitors"] += 1
    return sums


def find_sessions(acts: Iterable[Act]) -> Iterator[list[Act]]:
    """One visitor's events as sessions: gaps of at most 30 minutes, and the cut after 24 hours."""
    run: list[Act] = []
    for act in sorted(acts):
        if run and act.at_ms - run[-1].at_ms > _GAP_MS:
            yield from _cut(run)
            run = []
        run.append(act)
    if run:
        yield from _cut(run)


def _cut(run: list[Act]) -> list[list[Act]]:
    """A run that lasts too long, or touches more than two days, is cut at every midnight."""
    days: defaultdict[int, list[Act]] = defaultdict(list)
    for act in run:
        days[act.at_ms // _DAY_MS].append(act)
    is_whole = len(days) <= 2 and run[-1].at_ms - run[0].at_ms <= _LONGEST_MS
    return [run] if is_whole else list(days.values())


def _add_session(
    sums: Counter[tuple[str | None, ...]],
    acts: list[Act],
    device: Device | None,
    is_dated: bool,
    seen: set[tuple[str | None, ...]],
) -> None:
    views = [act.path for act in acts if act.path is not None]
    conversions = sum(act.cents is not None for act in acts)
    duration_ms = acts[-1].at_ms - acts[0].at_ms
    is_engaged = duration_ms >= _ENGAGED_MS or len(views) >= 2 or conversions >= 1
    numbers = {
        "sessions": 1,
        "engaged_sessions": int(is_engaged),
        "bounces": int(not is_engaged),
        "duration_ms": duration_ms,
        "page_views": len(views),
        "conversions": conversions,
        "revenue_cents": sum(act.cents or 0 for act in acts if act.is_site_currency),
    }
    origin = next((act.origin for act in acts if act.origin is not DIRECT), DIRECT)
    source = ("source", origin.channel, origin.source, origin.medium, origin.campaign)
    about: list[tuple[str | None, ...]] = [source]
    if is_dated:
        about.append(("day", _day_of(acts[0].at_ms)))
    seen.update(about)
    for key in [("session",), *about]:
        for name, number in numbers.items():
            sums[*key, name if key[0] != "day" else f"session_{name}"] += number
    if device:
        sums[*_device_key(device), "sessions"] += 1
        seen.add(_device_key(device))
    if views:
        sums["page", views[0], "entries"] += 1
        sums["page", views[0], "entry_bounces"] += not is_engaged
        sums["page", views[-1], "exits"] += 1


def render(groups: list[Counter[tuple[str | None, ...]]]) -> dict[str, Any]:
    """The sums of all groups together, nested."""
    sums: Counter[tuple[str | None, ...]] = Counter()
    for group in groups:
        sums.update(group)
    by_kind: defaultdict[str | None, dict[tuple[str | None, ...], dict[str, int]]]
    by_kind = defaultdict(lambda: defaultdict(dict))
    for (kind, *about, name), number in sums.items():
        by_kind[kind][tuple(about)][str(name)] = number
    total, session = by_kind["total"][()], by_kind["session"][()]
    return {
        **{
            name: total.get(name, 0)
            for name in ("events", "page_views", "conversions", "unique_visitors")
        },
        "events_by_type": dict(sorted(by_kind["type"][()].items())),
        "revenue_by_currency": {
            name: cents / 100 for name, cents in sorted(by_kind["currency"][()].items())
        },
        "sessions": _render_sessions(session),
        "pages": {
            str(path): _render_page(numbers)
            for (path,), numbers in sorted(
                by_kind["page"].items(), key=lambda page: -page[1].get("page_views", 0)
            )
        },
        "sources": [
            dict(zip(("channel", "source", "medium", "campaign"), about, strict=True))
            | _render_sessions(numbers)
            | {"unique_visitors": numbers["unique_visitors"]}
            for about, numbers in _sorted(by_kind["source"])
        ],
        "devices": [
            dict(zip(("device_type", "browser", "os"), about, strict=True))
            | {name: numbers.get(name, 0) for name in ("sessions", "unique_visitors", "page_views")}
            for about, numbers in _sorted(by_kind["device"])
        ],
        "days": {str(day): _render_day(numbers) for (day,), numbers in _sorted(by_kind["day"])},
    }


def _render_sessions(numbers: dict[str, int], prefix: str = "") -> dict[str, Any]:
    number = {name.removeprefix(prefix): value for name, value in numbers.items()}
    sessions = number.get("sessions", 0)
    names = ("sessions", "engaged_sessions", "bounces", "page_views", "conversions")
    return {
        **{name: number.get(name, 0) for name in names},
        "bounce_rate": number["bounces"] / sessions if sessions else None,
        "pages_per_session": number["page_views"] / sessions if sessions else None,
        "duration_sum_s": number.get("duration_ms", 0) / 1000,
        "revenue": number.get("revenue_cents", 0) / 100,
    }


def _render_page(numbers: dict[str, int]) -> dict[str, Any]:
    names = ("page_views", "unique_visitors", "entries", "exits")
    page: dict[str, Any] = {name: numbers.get(name, 0) for name in names}
    bounces = numbers.get("entry_bounces", 0)
    page["bounce_rate"] = bounces / page["entries"] if page["entries"] else None
    return page


def _render_day(numbers: dict[str, int]) -> dict[str, Any]:
    """Events by their own day, sessions and their visitors by the day on which they began."""
    names = ("events", "page_views", "active_visitors")
    sessions = {name: value for name, value in numbers.items() if name.startswith("session_")}
    return {
        **{name: numbers.get(name, 0) for name in names},
        "sessions": _render_sessions(sessions, "session_")
        | {"unique_visitors": numbers.get("unique_visitors", 0)},
    }


def _sorted(
    rows: dict[tuple[str | None, ...], dict[str, int]],
) -> list[tuple[tuple[str | None, ...], dict[str, int]]]:
    return sorted(rows.items(), key=lambda row: tuple(text or "" for text in row[0]))


def _device_key(device: Device) -> tuple[str | None, ...]:
    return "device", device.device_type, device.browser, device.os


def _day_of(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).date().isoformat()
