"""The story, part by part, through every flow, with a crash of every kind on the way.

What comes out is one lake that many tests read; see the fixture `day`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from schemas.gold import GOLD_TABLES
from streaming.flows.gold import GOLD_DETAILS, GOLD_EVENTS, GOLD_SESSIONS
from streaming.flows.sessions import SESSIONS
from streaming.flows.silver import SILVER
from tests.streaming.lake import Lake, snapshot
from tests.streaming.records import at
from tests.streaming.story import END, PARTS, part_of

GOLD = (GOLD_EVENTS, GOLD_DETAILS, GOLD_SESSIONS)
ALL = (SILVER, SESSIONS, *GOLD)
GOLD_NAMES = tuple(table.name for table in GOLD_TABLES)
RESULTS = ("silver.sessions", *GOLD_NAMES)
Rows = list[dict[str, Any]]


@dataclass
class Day:
    """A lake at the end of the day, and what crashes on the way did to its tables."""

    lake: Lake
    before_crash: dict[str, dict[str, Rows]]
    after_crash: dict[str, dict[str, Rows]]
    tables: dict[str, Rows]


def _crash_and_repeat(day: Day, *flows: Any) -> None:
    """Let each flow do its last batch again, with all its tables written already."""
    for flow in flows:
        day.before_crash[flow.name] = snapshot(day.lake, *flow.targets)
        day.lake.forget_last_batch(flow)
        day.lake.run(flow)
        day.after_crash[flow.name] = snapshot(day.lake, *flow.targets)


def live_day(lake: Lake) -> Day:
    """Let the day happen in an empty lake."""
    day = Day(lake, {}, {}, {})
    lake.feed(part_of(0))
    lake.run_until_killed(SILVER, "append", "silver.events")
    lake.run(SILVER, SESSIONS)
    lake.feed(part_of(1))
    lake.run(SILVER)
    lake.feed(part_of(2))
    lake.run(*ALL)
    lake.beat(at(PARTS[2]))
    lake.feed(part_of(3))
    lake.run(SILVER)
    lake.run_until_killed(SESSIONS, "append", "silver.sessions")
    lake.run(SESSIONS, GOLD_EVENTS)
    lake.run_until_killed(GOLD_DETAILS, "append", "gold.devices")
    lake.run(GOLD_DETAILS)
    lake.run_until_killed(GOLD_SESSIONS, "append", "gold.sessions")
    lake.run(GOLD_SESSIONS)
    _crash_and_repeat(day, *ALL)
    lake.feed(part_of(4))
    lake.run(SILVER)
    lake.feed(part_of(5))
    lake.run(SILVER)
    lake.beat(END)
    lake.run(SESSIONS, *GOLD)
    names = ("silver.events", "bronze.dead_letters", "silver.duplicates", *RESULTS)
    day.tables = snapshot(lake, *names)
    return day
