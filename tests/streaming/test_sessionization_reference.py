"""Sessions of random visits against those of plain Python, in whatever order events come."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from tests.streaming.records import at
from tests.streaming.reference_sessions import find_sessions
from tests.streaming.test_sessionization import HOUR, MIDNIGHT, make_row, sessionize

# Steps between events: at, just over and far from the gap, and long enough to meet midnights.
_STEPS = st.sampled_from(
    [0, 1, 9_999_999, 600_000_000, 1_799_999_999, 1_800_000_000]
) | st.integers(1_700_000_000, 1_900_000_000)
_EVENTS = st.tuples(
    st.one_of(_STEPS, _STEPS, _STEPS, st.integers(0, 20 * HOUR * 1_000_000)),
    st.sampled_from(["page_view", "page_view", "click", "custom_event", "session_end"]),
    st.sampled_from(["(direct)", "(direct)", "news", "ads"]),
    st.sampled_from([None, "u1", "u2"]),
)
_VISIT = st.tuples(st.integers(-12 * HOUR, 12 * HOUR), st.lists(_EVENTS, min_size=1, max_size=60))


def _expand(visits: list[tuple[int, list[tuple[int, str, str, str | None]]]]) -> list[Any]:
    rows = []
    for visitor, (start, events) in enumerate(visits):
        time = at(start, MIDNIGHT)
        for number, (step, kind, source, user) in enumerate(events):
            time += timedelta(microseconds=step)
            is_sale = kind == "custom_event"
            rows.append(
                make_row(
                    f"v{visitor}",
                    time,
                    # Not in the order of time, so that ties are decided and not found decided.
                    event_id=f"{(number * 7) % 61:02}",
                    event_type=kind,
                    page_path=f"/{number % 3}" if number % 4 else None,
                    source=source,
                    medium=f"m{number}",
                    campaign=None if number % 3 else f"c{number}",
                    user_id=user,
                    is_conversion=is_sale,
                    revenue=Decimal(number) / 8 if is_sale else None,
                    is_bot=number == 50,
                )
            )
    return rows


@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(visits=st.lists(_VISIT, min_size=25, max_size=60), seed=st.integers(0, 999))
def test_sessions_are_those_of_plain_python_in_whatever_order_events_come(
    spark: SparkSession, visits: list[Any], seed: int
) -> None:
    rows = _expand(visits)
    expected = find_sessions(rows)
    shuffled = random.Random(seed).sample(rows, len(rows))
    found = [session.asDict(recursive=True) for session in sessionize(spark, shuffled)]
    assert len(found) == len(expected)
    by_place = {(row["visitor_id"], row["session_start"]): row for row in found}
    for session in expected:
        for name in ("session_start", "session_end"):
            session[name] = session[name].replace(tzinfo=None)
        row = by_place[session["visitor_id"], session["session_start"]]
        assert {name: row[name] for name in session} == session
