"""Time zones, and the period before: days of 23, 24 and 25 hours, and of half-hour zones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from serving.params import CommonParams
from serving.zones import (
    list_zones,
    number_of,
    place_time,
    shift_back,
    show_buckets,
    splits_hours,
)
from settings.model import Settings

NOW = datetime(2026, 11, 1, 12, 30, tzinfo=UTC)
BERLIN, KOLKATA = "Europe/Berlin", "Asia/Kolkata"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def select(**given: str):
    return CommonParams.model_validate(given).select(NOW)


@pytest.mark.parametrize(
    ("timezone", "start", "end", "hours"),
    [
        (BERLIN, "2026-03-29", "2026-03-30", 23),
        (BERLIN, "2026-10-25", "2026-10-26", 25),
        (BERLIN, "2026-06-01", "2026-06-02", 24),
        (KOLKATA, "2026-06-01", "2026-06-02", 24),
        ("America/Havana", "2026-03-08", "2026-03-09", 23),  # midnight itself is left out
        ("Australia/Lord_Howe", "2026-04-05", "2026-04-06", 24.5),
    ],
)
def test_a_date_is_a_day_of_the_zone(timezone: str, start: str, end: str, hours: float) -> None:
    selection = select(start=start, end=end, timezone=timezone)
    assert selection.end - selection.start == timedelta(hours=hours)


def test_dates_begin_at_local_midnight_and_offsets_are_kept() -> None:
    assert select(end="2026-07-01", timezone=KOLKATA).end == utc("2026-06-30T18:30")
    assert select(end="2026-07-01T10:00:00", timezone=BERLIN).end == utc("2026-07-01T08:00")
    assert select(end="2026-07-01T10:00:00Z", timezone=BERLIN).end == utc("2026-07-01T10:00")
    assert select(end="2026-07-01", timezone="UTC").end == utc("2026-07-01")
    assert select(end="2026-07-01", timezone="UTC").timezone is None
    assert place_time(datetime(2026, 3, 8), "America/Havana") == utc("2026-03-08T05:00")


@pytest.mark.parametrize(
    "name", ["", "Berlin", "europe/berlin", "+02:00", "../etc/passwd", "x" * 99]
)
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="Europe/Berlin"):
        select(timezone=name)
    with pytest.raises(ValidationError, match="no IANA time zone"):
        Settings(timezones={"shop": name})


def test_the_zone_is_that_of_the_one_site_unless_another_is_named() -> None:
    zones = {"shop": BERLIN}

    def choose(sites: frozenset[str] | None = None, **given: str) -> str | None:
        return CommonParams.model_validate(given).in_zone_of(zones, sites).timezone

    assert choose() is None
    assert choose(site_id="shop") == BERLIN
    assert choose(site_id="blog") is None
    assert choose(frozenset({"shop"})) == BERLIN
    assert choose(frozenset({"shop", "blog"})) is None
    assert choose(site_id="shop", timezone=KOLKATA) == KOLKATA
    assert choose(site_id="shop", timezone="UTC") is None


def test_which_zones_split_hours() -> None:
    start, end = utc("2026-01-01"), utc("2026-01-08")
    assert not splits_hours(None, start, end)
    assert not splits_hours(BERLIN, start, end)
    assert splits_hours(KOLKATA, start, end)
    assert splits_hours("Asia/Kathmandu", start, end)
    # Half an hour of summer time: only then, or where the range reaches into it.
    assert not splits_hours("Australia/Lord_Howe", start, end)
    assert splits_hours("Australia/Lord_Howe", start, utc("2026-07-01"))


@pytest.mark.parametrize(
    ("timezone", "start", "end", "before"),
    [
        (None, "2026-06-08", "2026-06-15", "2026-06-01"),
        (None, "2026-06-08T10:30", "2026-06-08T11:00", "2026-06-08T10:00"),
        # Local midnights, over a change of clocks: days stay days.
        (BERLIN, "2026-03-28T23:00", "2026-04-04T22:00", "2026-03-21T23:00"),
        (BERLIN, "2026-10-25T23:00", "2026-11-01T23:00", "2026-10-18T22:00"),
    ],
)
def test_the_period_before(timezone: str | None, start: str, end: str, before: str) -> None:
    assert shift_back(utc(start), utc(end), timezone) == (utc(before), utc(start))


@pytest.mark.parametrize(
    ("interval", "first", "second", "distance"),
    [
        ("day", "2026-03-28T23:00", "2026-03-29T22:00", 1),  # a day of 23 hours
        ("day", "2026-03-29T21:59", "2026-03-29T22:00", 1),
        ("week", "2026-06-07T21:59", "2026-06-07T22:00", 1),  # Sunday, Monday
        ("week", "2026-06-07T22:00", "2026-06-14T21:59", 0),
        ("month", "2025-12-31T22:59", "2025-12-31T23:00", 1),
        ("month", "2026-01-31T22:00", "2026-12-31T22:00", 11),
        ("hour", "2026-10-25T00:30", "2026-10-25T01:30", 1),  # both at half past two
    ],
)
def test_intervals_are_numbered(interval: str, first: str, second: str, distance: int) -> None:
    numbers = [number_of(interval, utc(text), BERLIN) for text in (first, second)]
    assert numbers[1] - numbers[0] == distance


def test_buckets_are_shown_in_the_zone() -> None:
    rows = [{"bucket": "2026-03-28T23:00:00Z", "n": 1}, {"bucket": "2026-03-29T22:00:00Z", "n": 2}]
    shown = [row["bucket"] for row in show_buckets(rows, BERLIN)]
    assert shown == ["2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"]
    assert show_buckets(rows, None) == rows
    assert show_buckets([{"n": 1}], BERLIN) == [{"n": 1}]
    assert show_buckets([], BERLIN) == []


def test_every_zone_can_be_placed() -> None:
    assert len(list_zones()) > 400
    assert all(place_time(datetime(2026, 1, 1), name).tzinfo is UTC for name in list_zones())
