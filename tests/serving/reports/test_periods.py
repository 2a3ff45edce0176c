"""Named periods: which days each means, in which zone, and what it is compared with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from serving.reports.periods import resolve_period

# A Friday.
NOW = datetime(2026, 11, 27, 11, 42, tzinfo=UTC)


def show(name: str, now: datetime = NOW, timezone: str | None = None) -> tuple[str, ...]:
    period, previous = resolve_period(name, now, timezone)
    assert previous[1] == period[0]
    times = (previous[0], *period)
    assert all(time.tzinfo is UTC for time in times)
    return tuple(time.isoformat().removesuffix(":00+00:00") for time in times)


@pytest.mark.parametrize(
    ("name", "before", "start", "end"),
    [
        ("yesterday", "2026-11-25", "2026-11-26", "2026-11-27"),
        ("last_1_days", "2026-11-25", "2026-11-26", "2026-11-27"),
        ("last_7_days", "2026-11-13", "2026-11-20", "2026-11-27"),
        ("last_28_days", "2026-10-02", "2026-10-30", "2026-11-27"),
        ("last_366_days", "2024-11-25", "2025-11-26", "2026-11-27"),
        ("last_week", "2026-11-09", "2026-11-16", "2026-11-23"),
        ("last_month", "2026-09-01", "2026-10-01", "2026-11-01"),
        ("last_quarter", "2026-04-01", "2026-07-01", "2026-10-01"),
        ("last_year", "2024-01-01", "2025-01-01", "2026-01-01"),
    ],
)
def test_in_utc(name: str, before: str, start: str, end: str) -> None:
    assert show(name) == tuple(f"{day}T00:00" for day in (before, start, end))


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), ("2025-11-01", "2025-12-01", "2026-01-01")),
        (datetime(2026, 2, 28, 23, tzinfo=UTC), ("2025-12-01", "2026-01-01", "2026-02-01")),
        (datetime(2024, 3, 31, tzinfo=UTC), ("2024-01-01", "2024-02-01", "2024-03-01")),
    ],
)
def test_a_month_is_compared_with_a_month(now: datetime, expected: tuple[str, ...]) -> None:
    assert show("last_month", now) == tuple(f"{day}T00:00" for day in expected)


def test_a_monday_is_not_in_last_week() -> None:
    monday = datetime(2026, 11, 23, tzinfo=UTC)
    assert show("last_week", monday)[1:] == ("2026-11-16T00:00", "2026-11-23T00:00")
    sunday = monday - timedelta(seconds=1)
    assert show("last_week", sunday)[1:] == ("2026-11-09T00:00", "2026-11-16T00:00")


def test_today_is_that_of_the_zone() -> None:
    late = datetime(2026, 11, 27, 23, 30, tzinfo=UTC)
    assert show("yesterday", late)[1:] == ("2026-11-26T00:00", "2026-11-27T00:00")
    berlin = show("yesterday", late, "Europe/Berlin")
    assert berlin[1:] == ("2026-11-26T23:00", "2026-11-27T23:00")
    assert show("yesterday", late, "America/New_York")[2] == "2026-11-27T05:00"


def test_days_are_as_long_as_clocks_say() -> None:
    # Clocks in Berlin went back on 25 October and forward on 29 March 2026.
    autumn = show("last_week", datetime(2026, 10, 27, tzinfo=UTC), "Europe/Berlin")
    assert autumn == ("2026-10-11T22:00", "2026-10-18T22:00", "2026-10-25T23:00")
    spring, _ = resolve_period("yesterday", datetime(2026, 3, 30, 9, tzinfo=UTC), "Europe/Berlin")
    assert spring[1] - spring[0] == timedelta(hours=23)


def test_a_day_without_midnight_begins_when_it_begins() -> None:
    # In Beirut clocks went from 0:00 to 1:00 on 29 March 2026.
    now = datetime(2026, 3, 29, 12, tzinfo=UTC)
    assert show("yesterday", now, "Asia/Beirut")[1:] == ("2026-03-27T22:00", "2026-03-28T22:00")
