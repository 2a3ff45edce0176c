"""Whole hours and the rest of a range."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.ranges import Ranges, split_range

NOW = datetime(2026, 1, 10, 10, 20, tzinfo=UTC)
TIMES = st.datetimes(datetime(2025, 12, 1), datetime(2026, 2, 1), timezones=st.just(UTC))


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 1, 9, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "hours", "edges"),
    [
        (at(1), at(5), (at(1), at(5)), ()),
        (at(1, 30), at(5), (at(2), at(5)), ((at(1, 30), at(2)),)),
        (at(1), at(5, 10), (at(1), at(5)), ((at(5), at(5, 10)),)),
        (at(1, 30), at(2, 30), None, ((at(1, 30), at(2)), (at(2), at(2, 30)))),
        (at(1, 10), at(1, 50), None, ((at(1, 10), at(1, 50)),)),
        (at(1, 10), at(2), None, ((at(1, 10), at(2)),)),
        (at(3), at(3), None, ()),
        (at(3, 5), at(3, 5), None, ()),
        (at(5), at(3), None, ()),
    ],
)
def test_split(start: datetime, end: datetime, hours: object, edges: object) -> None:
    assert split_range(start, end, NOW) == Ranges(hours, edges)


def test_end_that_is_not_over_is_its_whole_hour() -> None:
    assert split_range(at(1), NOW, NOW).hours == (at(1), NOW.replace(hour=11, minute=0))
    assert split_range(at(1), NOW, NOW).edges == ()
    just_over = NOW - timedelta(microseconds=1)
    assert split_range(at(1), just_over, NOW).edges == ((NOW.replace(minute=0), just_over),)


@given(start=TIMES, end=TIMES, event=TIMES)
def test_every_event_is_in_one_part_exactly_if_it_is_in_the_range(
    start: datetime, end: datetime, event: datetime
) -> None:
    if event > NOW:
        return
    ranges = split_range(start, end, NOW)
    parts = [*ranges.edges, *([ranges.hours] if ranges.hours else [])]
    assert sum(first <= event < last for first, last in parts) == int(start <= event < end)
    for first, last in ranges.edges:
        assert (last - timedelta(microseconds=1)).replace(
            minute=0, second=0, microsecond=0
        ) <= first
