"""Who comes: people and programs, new ones and those who were there before.

From a plan and a random generator to visitors, and to the bursts in which their trackers send what
they did.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import accumulate
from random import Random

from traffic.agents import BOT_WEIGHTS, BotKind
from traffic.faults import Faults
from traffic.visits import (
    Step,
    Visitor,
    draw_length,
    draw_scripted_length,
    draw_think_s,
    make_visit,
    make_visitor,
)
from traffic.world import SITES, Site

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
_YEAR_MS = 365 * DAY_MS
# Nobody returns earlier, so that one visit is one session with a gap of half an hour.
_REST_MS = HOUR_MS
_RETURN_SHARE = 0.3
_REMEMBERED_VISITORS = 50_000
_SCRIPTED_SHARE = 0.1  # of the bots; they make far longer visits than others
_AHEAD_SHARE = 0.15  # of the wrong clocks
_BOT_KINDS, _BOT_WEIGHTS = tuple(BOT_WEIGHTS), tuple(accumulate(BOT_WEIGHTS.values()))

# Seconds until a tracker sends, and what it sends then: (ms since each event, event).
Burst = tuple[float, list[tuple[int, Step]]]


class Cast(StrEnum):
    """The part that the visitor of one visit plays."""

    ORDINARY = "ordinary"  # a person, or a program that admits it
    SCRIPTED = "scripted"
    SKEWED = "skewed"  # a wrong clock, whose tracker says when it sends
    AHEAD = "ahead"  # a clock years ahead, whose tracker does not


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
    sites: int = 1


def draw_cast(rng: Random, faults: Faults) -> Cast:
    """Who makes the next visit."""
    luck = rng.random()
    if luck < faults.wrong_clocks:
        return Cast.AHEAD if luck < faults.wrong_clocks * _AHEAD_SHARE else Cast.SKEWED
    if luck < faults.wrong_clocks + faults.bots * _SCRIPTED_SHARE:
        return Cast.SCRIPTED
    return Cast.ORDINARY


def draw_cast_length(rng: Random, cast: Cast) -> int:
    """How many events that visit has."""
    if cast is Cast.AHEAD:
        return 1  # of more, nobody could tell the times between
    return draw_scripted_length(rng) if cast is Cast.SCRIPTED else draw_length(rng)


def make_bursts(rng: Random, visitor: Visitor, length: int) -> Iterator[Burst]:
    """One visit as it is sent: event by event, or all at its end where the clock is wrong.

    At the end, and at once, because such an event's time counts back from its arrival.
    """
    visit = make_visit(rng, visitor, length)
    if not visitor.has_sent_time:
        wait_s = 0.0
        for step in visit:
            yield wait_s, [(0, step)]
            wait_s = draw_think_s(rng, visitor)
        return
    steps: list[tuple[int, Step]] = []
    at_ms = 0
    for step in visit:
        steps.append((at_ms, step))
        at_ms += int(draw_think_s(rng, visitor) * 1000)
    yield at_ms / 1000, [(at_ms - step_ms, step) for step_ms, step in steps]


class Audience:
    """Everyone who comes; those who left rest a while before they return."""

    def __init__(self, plan: Plan, rng: Random) -> None:
        self._plan = plan
        self._rng = rng
        self._sites = SITES[: plan.sites]
        self._site_weights = tuple(accumulate(1 / rank for rank in range(1, plan.sites + 1)))
        limit = {
            Cast.ORDINARY: plan.visitors,
            Cast.SCRIPTED: max(1, round(plan.visitors * plan.faults.bots * _SCRIPTED_SHARE)),
        }
        self._pools = {cast: _Pool(most) for cast, most in limit.items()}

    def invite(self, at_ms: int, cast: Cast) -> Visitor:
        """Someone for the part, who is not on a site and did not just leave it."""
        pool = self._pools.get(cast)
        if pool is None:
            return self._make_skewed(cast)
        wants_return = pool.known >= pool.most or self._rng.random() < _RETURN_SHARE
        if wants_return and pool.resting and pool.resting[0][0] + _REST_MS <= at_ms:
            return pool.resting.popleft()[1]
        pool.known += 1
        if cast is Cast.SCRIPTED:
            return make_visitor(self._rng, self._draw_site(), BotKind.SCRIPTED)
        return self._make_ordinary()

    def dismiss(self, visitor: Visitor, at_ms: int) -> None:
        """The visitor's last event was at this time."""
        # Who has a wrong clock comes only once: two visits might arrive as one.
        if not visitor.skew_ms and visitor.bot is not BotKind.MONITOR:
            cast = Cast.SCRIPTED if visitor.bot is BotKind.SCRIPTED else Cast.ORDINARY
            self._pools[cast].resting.append((at_ms, visitor))

    def hire_monitor(self) -> Visitor:
        """A program that watches the first site and never pauses."""
        return make_visitor(self._rng, self._sites[0], BotKind.MONITOR)

    def _make_ordinary(self) -> Visitor:
        rng, faults = self._rng, self._plan.faults
        site = self._draw_site()
        if rng.random() < faults.bots:
            (kind,) = rng.choices(_BOT_KINDS, cum_weights=_BOT_WEIGHTS)
            return make_visitor(rng, site, kind)
        visitor = make_visitor(rng, site)
        if rng.random() < faults.no_consent:
            visitor.has_consent = visitor.fields["consent_analytics"] = False
        return visitor

    def _make_skewed(self, cast: Cast) -> Visitor:
        rng = self._rng
        visitor = make_visitor(rng, self._draw_site())
        if cast is Cast.AHEAD:
            visitor.skew_ms = rng.randrange(2, 60) * _YEAR_MS
            return visitor
        visitor.has_sent_time = True
        since_1970_ms = self._plan.start_ms - int(self._plan.history_days * DAY_MS)
        visitor.skew_ms = rng.choice((-1, 1)) * rng.choice(
            (
                rng.randrange(HOUR_MS // 10, 6 * HOUR_MS),
                rng.randrange(DAY_MS, 400 * DAY_MS),
                since_1970_ms - rng.randrange(DAY_MS, 30 * DAY_MS),  # reset, or its mirror image
            )
        )
        return visitor

    def _draw_site(self) -> Site:
        if len(self._sites) == 1:
            return self._sites[0]
        return self._rng.choices(self._sites, cum_weights=self._site_weights)[0]


class _Pool:
    """Those of one part: how many there are, at most, and who rests since when."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.known = 0
        self.resting: deque[tuple[int, Visitor]] = deque(maxlen=_REMEMBERED_VISITORS)
