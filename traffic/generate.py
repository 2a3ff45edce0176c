"""Traffic over time: over past days, then live.

From a `Plan` to records in the order of sending, the same for the same plan; nothing here looks at
a clock or sends anything.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import count
from math import cos, inf, pi
from pathlib import Path
from random import Random

from traffic.agents import BotKind
from traffic.audience import (
    DAY_MS,
    HOUR_MS,
    Audience,
    Burst,
    Cast,
    Plan,
    draw_cast,
    draw_cast_length,
    make_bursts,
)
from traffic.faults import Record, Timed, add_faults
from traffic.visits import MONITOR_THINK_S, Visitor

__all__ = ["Plan", "generate", "write_events"]

# (time of the next burst, tie-breaker, visitor, burst, those to follow)
_Due = tuple[float, int, Visitor, Burst, Iterator[Burst]]

# The longest visit (60 events, 120 s apart at most) is over by the start.
_LAST_ARRIVAL_MS = 2 * HOUR_MS
_BUSIEST_HOUR_UTC = 16
_MEAN_THINK_S = 15
_SCRIPTED_LEAD_S = 60  # a scripted visit takes a quarter of it where it is not slowed down
# A monitor shows what becomes of a visitor who never pauses: more than a day, and not too much.
_LEAST_MONITOR_EVENTS, _MONITOR_SHARE = 80, 0.1


def generate(plan: Plan) -> Iterator[Record]:
    """All records of the plan, in the order of sending."""
    # The start is in the seed: with one seed, a later run makes other events, not copies.
    rng = Random(f"{plan.seed}/{plan.start_ms}")
    audience = Audience(plan, rng)
    yield from add_faults(_make_history(plan, audience, rng), plan.faults, rng, plan.start_ms)
    yield from add_faults(_make_live(plan, audience, rng), plan.faults, rng, None)


def write_events(path: str | Path, records: Iterator[Record]) -> Iterator[Record]:
    """Write records as NDJSON, and pass each on once it is written.

    A tombstone and a blank record have no line, and are left out.
    """
    with Path(path).open("wb") as out:
        for record in records:
            line = record.encode()
            if line is not None and line.strip():
                out.write(line)
                out.write(b"\n")
                yield record


def _make_history(plan: Plan, audience: Audience, rng: Random) -> Iterator[Timed]:
    """Visits spread over the past days, more by day than by night."""
    number = count()
    due: list[_Due] = []

    def admit(visitor: Visitor, at_ms: float, length: int) -> None:
        bursts = make_bursts(rng, visitor, length)
        burst = next(bursts)
        heapq.heappush(due, (at_ms + int(burst[0] * 1000), next(number), visitor, burst, bursts))

    monitored = _count_monitored(plan)
    if monitored:
        admit(audience.hire_monitor(), plan.start_ms - int(plan.history_days * DAY_MS), monitored)
    arrivals = _draw_arrivals(plan, rng, plan.history_events - monitored)
    for arrival_ms, cast, length in [*arrivals, (plan.start_ms, Cast.ORDINARY, 0)]:
        while due and due[0][0] <= arrival_ms:
            at_ms, _, visitor, (_, steps), bursts = heapq.heappop(due)
            for since_ms, step in steps:
                yield int(at_ms), int(at_ms) - since_ms, step
            following = next(bursts, None)
            if following is None:
                audience.dismiss(visitor, int(at_ms))
            else:
                at_ms += 1 + int(following[0] * 1000)
                heapq.heappush(due, (at_ms, next(number), visitor, following, bursts))
        if length:
            admit(audience.invite(arrival_ms, cast), arrival_ms, length)


def _count_monitored(plan: Plan) -> int:
    """How many of the history's events come from a monitor."""
    if not plan.faults.bots:
        return 0
    fitting = int((plan.history_days * DAY_MS - HOUR_MS) / (MONITOR_THINK_S * 1000 + 1))
    affordable = int(plan.history_events * _MONITOR_SHARE)
    events = min(fitting, affordable)
    return events if events >= _LEAST_MONITOR_EVENTS else 0


def _draw_arrivals(plan: Plan, rng: Random, events: int) -> list[tuple[int, Cast, int]]:
    """(time, part, number of events) of each visit in the history, in order of time."""
    visits: list[tuple[Cast, int]] = []
    left = events
    while left > 0:
        cast = draw_cast(rng, plan.faults)
        length = draw_cast_length(rng, cast)
        if length > left:  # cut short, a scripted bot could not be told by its pace
            cast, length = Cast.ORDINARY, left
        visits.append((cast, length))
        left -= length
    span_ms = int(plan.history_days * DAY_MS) - _LAST_ARRIVAL_MS
    first_ms = plan.start_ms - int(plan.history_days * DAY_MS)
    times: list[int] = []
    while len(times) < len(visits):
        at_ms = first_ms + rng.randrange(span_ms)
        hour = at_ms % DAY_MS / HOUR_MS
        if rng.random() < 0.55 + 0.45 * cos((hour - _BUSIEST_HOUR_UTC) * pi / 12):
            times.append(at_ms)
    return [(at_ms, *visit) for at_ms, visit in zip(sorted(times), visits, strict=True)]


def _make_live(plan: Plan, audience: Audience, rng: Random) -> Iterator[Timed]:
    """One event each 1/rate seconds; the one who has thought longest acts."""
    number = count()
    due: list[_Due] = []
    punctual: list[_Due] = []  # scripted bots: they act when it is time, before everybody else
    left = inf if plan.live_events is None else plan.live_events
    made = 0

    def await_turn(at_ms: float, visitor: Visitor, burst: Burst, bursts: Iterator[Burst]) -> None:
        queue = punctual if visitor.bot is BotKind.SCRIPTED else due
        heapq.heappush(queue, (at_ms + burst[0] * 1000, next(number), visitor, burst, bursts))

    def admit(at_ms: int, within_s: float) -> None:
        cast = draw_cast(rng, plan.faults)
        if cast is Cast.SCRIPTED and left < _SCRIPTED_LEAD_S * (plan.rate + 2):
            cast = Cast.ORDINARY  # cut short, it could not be told by its pace
        visitor = audience.invite(at_ms, cast)
        bursts = make_bursts(rng, visitor, draw_cast_length(rng, cast))
        await_turn(at_ms + rng.uniform(0, within_s) * 1000, visitor, next(bursts), bursts)

    for _ in range(max(1, round(plan.rate * _MEAN_THINK_S)) if left else 0):
        admit(plan.start_ms, _MEAN_THINK_S)
    while left:
        at_ms = plan.start_ms + int(made * 1000 / plan.rate)
        is_time = bool(punctual) and (not due or punctual[0][0] <= at_ms)
        _, _, visitor, (_, steps), bursts = heapq.heappop(punctual if is_time else due)
        for since_ms, step in steps[: None if left == inf else int(left)]:
            yield at_ms, at_ms - since_ms, step
            made, left = made + 1, left - 1
        following = next(bursts, None)
        if following is None:
            audience.dismiss(visitor, at_ms)
            admit(at_ms, 1)
        else:
            await_turn(at_ms, visitor, following, bursts)
