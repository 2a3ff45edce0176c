"""Traffic over time: who comes when, over past days and then live.

From a `Plan` and a start to records in the order of sending, the same for the same plan; nothing
here looks at a clock or sends anything.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from math import cos, pi
from pathlib import Path
from random import Random

from traffic.faults import Faults, Record, add_faults
from traffic.visits import (
    Event,
    Visitor,
    draw_length,
    draw_think_s,
    make_visit,
    make_visitor,
)

Timed = tuple[int, bool, Event]  # (event time in ms, is_bot, event)

_DAY_MS = 86_400_000
# Nobody returns earlier, so that one visit is one session with a gap of half an hour.
_REST_MS = 3_600_000
_RETURN_SHARE = 0.3
_REMEMBERED_VISITORS = 50_000
# The longest visit (60 events, 120 s apart at most) is over by the start.
_LAST_ARRIVAL_MS = 2 * 3_600_000
_BUSIEST_HOUR_UTC = 16
_MEAN_THINK_S = 15


@dataclass(frozen=True)
class Plan:
    """What traffic to make: a history up to `start_ms`, then events at `rate` per second."""

    start_ms: int
    seed: int = 1
    visitors: int = 200  # people who come and go; more join where the rate needs more
    rate: float = 20.0
    history_days: float = 0.0
    history_events: int = 0
    live_events: int | None = 0  # None: without end
    faults: Faults = field(default_factory=Faults)
    site_id: str = "default"


def generate(plan: Plan) -> Iterator[Record]:
    """All records of the plan, in the order of sending."""
    # The start is in the seed: with one seed, a later run makes other events, not copies.
    rng = Random(f"{plan.seed}/{plan.start_ms}")
    audience = _Audience(plan, rng)
    yield from add_faults(_make_history(plan, audience, rng), plan.faults, rng)
    yield from add_faults(_make_live(plan, audience, rng), plan.faults, rng)


def write_events(path: str | Path, records: Iterator[Record]) -> Iterator[Record]:
    """Write records as NDJSON, and pass each on once it is written."""
    with Path(path).open("wb") as out:
        for record in records:
            out.write(record.encode())
            out.write(b"\n")
            yield record


class _Audience:
    """The people (and bots) who come; those who left rest a while before they return."""

    def __init__(self, plan: Plan, rng: Random) -> None:
        self._plan = plan
        self._rng = rng
        self._known = 0
        self._resting: deque[tuple[int, Visitor]] = deque(maxlen=_REMEMBERED_VISITORS)

    def invite(self, at_ms: int) -> Visitor:
        """Someone who is not on the site and did not just leave it."""
        is_return_wanted = self._known >= self._plan.visitors or self._rng.random() < _RETURN_SHARE
        if is_return_wanted and self._resting and self._resting[0][0] + _REST_MS <= at_ms:
            return self._resting.popleft()[1]
        self._known += 1
        is_bot = self._rng.random() < self._plan.faults.bots
        return make_visitor(self._rng, self._plan.site_id, is_bot)

    def dismiss(self, visitor: Visitor, at_ms: int) -> None:
        """The visitor's last event was at this time."""
        self._resting.append((at_ms, visitor))


def _make_history(plan: Plan, audience: _Audience, rng: Random) -> Iterator[Timed]:
    """Visits spread over the past days, more by day than by night."""
    arrivals = _draw_arrivals(plan, rng)
    number = count()
    # (time of the next event, tie-breaker, visitor, event)
    due: list[tuple[int, int, Visitor, Event, Iterator[Event]]] = []
    for arrival_ms, length in [*arrivals, (plan.start_ms, 0)]:
        while due and due[0][0] <= arrival_ms:
            at_ms, _, visitor, event, visit = heapq.heappop(due)
            yield at_ms, visitor.is_bot, event
            following = next(visit, None)
            if following is None:
                audience.dismiss(visitor, at_ms)
            else:
                at_ms += 1 + int(draw_think_s(rng, visitor) * 1000)
                heapq.heappush(due, (at_ms, next(number), visitor, following, visit))
        if length:
            visitor = audience.invite(arrival_ms)
            visit = make_visit(rng, visitor, length)
            heapq.heappush(due, (arrival_ms, next(number), visitor, next(visit), visit))


def _draw_arrivals(plan: Plan, rng: Random) -> list[tuple[int, int]]:
    """(time, number of events) of each visit in the history, in order of time."""
    lengths: list[int] = []
    left = plan.history_events
    while left > 0:
        lengths.append(min(left, draw_length(rng)))
        left -= lengths[-1]
    span_ms = int(plan.history_days * _DAY_MS) - _LAST_ARRIVAL_MS
    first_ms = plan.start_ms - int(plan.history_days * _DAY_MS)
    times: list[int] = []
    while len(times) < len(lengths):
        at_ms = first_ms + rng.randrange(span_ms)
        hour = at_ms % _DAY_MS / 3_600_000
        if rng.random() < 0.55 + 0.45 * cos((hour - _BUSIEST_HOUR_UTC) * pi / 12):
            times.append(at_ms)
    return list(zip(sorted(times), lengths, strict=True))


def _make_live(plan: Plan, audience: _Audience, rng: Random) -> Iterator[Timed]:
    """One event each 1/rate seconds; the one who has thought longest acts."""
    if plan.live_events == 0:
        return
    number = count()
    due: list[tuple[float, int, Visitor, Event, Iterator[Event]]] = []

    def admit(at_ms: int, within_s: float) -> None:
        visitor = audience.invite(at_ms)
        visit = make_visit(rng, visitor, draw_length(rng))
        first_at = at_ms + rng.uniform(0, within_s) * 1000
        heapq.heappush(due, (first_at, next(number), visitor, next(visit), visit))

    for _ in range(max(1, round(plan.rate * _MEAN_THINK_S))):
        admit(plan.start_ms, _MEAN_THINK_S)
    made = 0
    while plan.live_events is None or made < plan.live_events:
        at_ms = plan.start_ms + int(made * 1000 / plan.rate)
        _, _, visitor, event, visit = heapq.heappop(due)
        yield at_ms, visitor.is_bot, event
        made += 1
        following = next(visit, None)
        if following is None:
            audience.dismiss(visitor, at_ms)
            admit(at_ms, 1)
        else:
            next_at = at_ms + draw_think_s(rng, visitor) * 1000
            heapq.heappush(due, (next_at, next(number), visitor, following, visit))
