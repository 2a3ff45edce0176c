"""One day of a site, with everything that can happen to a record: the input of the flow tests.

Every case is a visitor of its own. `RECORDS` is in the order of arrival; the parts of the day lie
between `PARTS`, moments at which nothing arrives.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from tests.streaming.records import NOON, Record, at, make_event, make_record

MINUTE = 60
HOUR = 3600
# The ends of the parts of the day, in seconds after NOON, which is when it begins.
PARTS = (90, 2_000, 6_000, 12_000, 43_000, 60_000)
END = at(80_000)
_LATENESS_S = (0, 0, 0, 1, 299.999999, 300, 300.000001, 320, 31 * MINUTE, 2 * HOUR, 9 * HOUR)
_STEPS_S = (0, 1, 9.999999, 600, 1799.999999, 1800, 1800.000001, 1900, 2 * HOUR)


def _visit(visitor: str, *moments: float | tuple[float, float], **fields: Any) -> list[Record]:
    """Page views at so many seconds after NOON; with a second number: when they arrive."""
    records = []
    for number, moment in enumerate(moments):
        happened, arrived = moment if isinstance(moment, tuple) else (moment, moment)
        event = make_event(
            f"{visitor}/{number}",
            at(happened),
            anonymous_id=visitor,
            page_url=f"https://shop.example/{number}",
            **fields,
        )
        records.append(make_record(event, at(arrived)))
    return records


def _again(record: Record, arrived: float) -> Record:
    return Record(record.value, at(arrived))


def _duplicates() -> list[Record]:
    (first,) = _visit("copied at once", 1)
    (second,) = _visit("copied in the next part", 2)
    (third,) = _visit("copied three hours later", 3)
    (late,) = _visit("late and copied late", (4, 3_000))
    (late_twice,) = _visit("late and copied in its own part", (5, 3_001))
    (forever,) = _visit("copied again and again", 6)
    return [
        first,
        _again(first, 1),
        _again(first, 30),
        second,
        _again(second, 100),
        third,
        _again(third, 3 * HOUR),
        late,
        _again(late, 3 * HOUR + 1),
        late_twice,
        _again(late_twice, 3_002),
        forever,
        *(_again(forever, moment) for moment in (7, 120, 3_003, 3 * HOUR + 2, 42_000, 44_000)),
    ]


def _rejected() -> list[Record]:
    values = [None, b"", b"[1]", b"[1]", b'{"event_id":"x"}', b"\xff", b'{"value":NaN}']
    records = [Record(value, at(number)) for number, value in enumerate(values)]
    no_url = make_event("no url", at(10), page_url="/relative")
    return [*records, make_record(no_url), _again(make_record(no_url), 3 * HOUR)]


def _sessions() -> list[Record]:
    late = 3 * HOUR
    return [
        *_visit("two visits merged by a late event", 0, 50 * MINUTE, (25 * MINUTE, late)),
        *_visit("extended at its end", 0, 60, (20 * MINUTE, late + 1)),
        *_visit("extended at its beginning", 45 * MINUTE, (30 * MINUTE, late + 2)),
        *_visit("filled inside", 0, 20 * MINUTE, (10 * MINUTE, late + 3)),
        *_visit("late only", (15 * MINUTE, late + 4)),
        *_visit("late only, from last week", (-7 * 24 * HOUR, late + 5)),
        *_visit("late and on time at once", (late - 31 * MINUTE, late + 6), late + 6),
        *_visit("closed visit joined to an open one", late - 3_000, late, (late - 1_500, late + 7)),
        *_visit("before all time", (0, late + 8), event_timestamp=-99_999_999_999_999),
        *_visit("late by a microsecond", (-300.000001, 0), 20 * MINUTE),
        *_visit("on time to the microsecond", (-300, 0), 20 * MINUTE),
        *_visit("across midnight", 43_190, 43_210),
        *_visit("across midnight, joined late", 42_000, 44_000, (43_100, 59_000)),
        *_visit("never pausing", *range(0, 59_000, 25 * MINUTE)),
        *_visit("bought", 5, event_type="custom_event", event_name="sale", value=12.34),
        *_visit("measured", 0, (10, 3 * HOUR), load_time_ms=120, lcp_ms=2600.5, cls=0.11),
        *_visit("scrolled", 20, event_type="scroll", scroll_depth_percent=50),
        *_visit("in other money", 5, event_type="custom_event", event_name="sale", value=1),
    ]


def _crowd(visitors: int = 40, seed: int = 7) -> list[Record]:
    """Visitors with gaps round the edge, some of their events late by all degrees."""
    chance = random.Random(seed)
    records = []
    for visitor in range(visitors):
        happened = chance.uniform(0, 40_000)
        moments = []
        for _ in range(chance.randint(1, 8)):
            arrived = happened + chance.choice(_LATENESS_S)
            moments.append((round(happened, 6), round(min(arrived, 59_999), 6)))
            happened = min(happened + chance.choice(_STEPS_S), 59_000)
        records += _visit(f"crowd {visitor}", *moments)
    return records


RECORDS = sorted(
    [*_duplicates(), *_rejected(), *_sessions(), *_crowd()], key=lambda record: record.arrival
)


def part_of(number: int) -> list[Record]:
    """The records of one part of the day."""
    start = at(PARTS[number - 1]) if number else datetime.min.replace(tzinfo=NOON.tzinfo)
    end = at(PARTS[number])
    return [record for record in RECORDS if start < record.arrival <= end]


def with_copies(records: list[Record], seed: int = 11) -> list[Record]:
    """The records in any order, and some of them again, a little or much later."""
    chance = random.Random(seed)
    copies = [
        Record(record.value, record.arrival + timedelta(seconds=chance.choice((0, 5, 700, 20_000))))
        for record in chance.sample(records, len(records) // 4)
    ]
    every = records + copies
    return chance.sample(every, len(every))
