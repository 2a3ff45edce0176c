"""Times: what a client may write, the corrected event time, and the edges of lateness."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from settings.model import SessionSettings
from streaming import clock

SETTINGS = SessionSettings(gap_s=1800, allowed_lateness_s=300, read_skew_s=20)
MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ARRIVAL = datetime(2024, 5, 14, 12, tzinfo=UTC)


def _micros(time: datetime | None) -> int | None:
    return None if time is None else (time - EPOCH) // MICROSECOND


def _utc(*parts: int) -> int | None:
    return _micros(datetime(*parts, tzinfo=UTC))  # type: ignore[misc, arg-type]  # plain numbers


SPELLINGS = {
    "2024-05-14T12:00:00Z": _utc(2024, 5, 14, 12),
    "2024-05-14T12:00:00z": _utc(2024, 5, 14, 12),
    "2024-05-14t12:00:00z": _utc(2024, 5, 14, 12),
    "2024-05-14 12:00:00Z": _utc(2024, 5, 14, 12),
    "2024-05-14T12:00Z": _utc(2024, 5, 14, 12),
    "2024-05-14T12:00:00+01:00": _utc(2024, 5, 14, 11),
    "2024-05-14T12:00:00+0100": _utc(2024, 5, 14, 11),
    "2024-05-14T12:00:00+01": _utc(2024, 5, 14, 11),
    "2024-05-14T12:00-08": _utc(2024, 5, 14, 20),
    "2024-05-14T12:00:00-05:30": _utc(2024, 5, 14, 17, 30),
    "2024-05-14T12:00:00.5-0530": _utc(2024, 5, 14, 17, 30, 0, 500_000),
    "2024-05-14T12:00:00+18:00": _utc(2024, 5, 13, 18),
    "2024-05-14T12:00:00-00:00": _utc(2024, 5, 14, 12),
    "2024-05-14T12:00:00.1Z": _utc(2024, 5, 14, 12, 0, 0, 100_000),
    "2024-05-14T12:00:00.12Z": _utc(2024, 5, 14, 12, 0, 0, 120_000),
    "2024-05-14T12:00:00.123Z": _utc(2024, 5, 14, 12, 0, 0, 123_000),
    "2024-05-14T12:00:00.1234Z": _utc(2024, 5, 14, 12, 0, 0, 123_400),
    "2024-05-14T12:00:00.12345Z": _utc(2024, 5, 14, 12, 0, 0, 123_450),
    "2024-05-14T12:00:00.123456Z": _utc(2024, 5, 14, 12, 0, 0, 123_456),
    "2024-05-14T12:00:00.1234567Z": _utc(2024, 5, 14, 12, 0, 0, 123_456),
    "2024-05-14T12:00:00.12345678Z": _utc(2024, 5, 14, 12, 0, 0, 123_456),
    "2024-05-14T12:00:00.123456789Z": _utc(2024, 5, 14, 12, 0, 0, 123_456),
    "2024-02-29T00:00:00Z": _utc(2024, 2, 29),
    "1969-12-31T23:59:59.999Z": -1_000,
    "1715688000123": _utc(2024, 5, 14, 12, 0, 0, 123_000),
    "0": 0,
    "-1": -1_000,
    "-1715688000123": -1_715_688_000_123_000,
    "99999999999999": 99_999_999_999_999_000,
}
REFUSED = [
    "",
    " ",
    "now",
    "2024-05-14",
    "2024-05-14T12:00:00",
    "2024-05-14T12:00:00 Z",
    "2024-05-14T12:00:00.Z",
    "2024-05-14T12:00:00.1234567890Z",
    "2024-05-14T12:00:00,5Z",
    "2024-05-14T12Z",
    "2024-05-14T12:00:00+1",
    "2024-05-14T12:00:00+01:0",
    "2024-05-14T12:00:00+19:00",
    "2024-05-14T12:00:00+99:99",
    "2024-05-14T12:00:00 UTC",
    "2024-05-14T12:00:00 Europe/Berlin",
    "2024-05-14T12:00:00Z[UTC]",
    "2024-05-14T24:30:00Z",
    "2024-05-14T12:60:00Z",
    "2024-05-14T12:00:61Z",
    "2024-13-01T00:00:00Z",
    "2024-02-30T00:00:00Z",
    "2023-02-29T00:00:00Z",
    "24-05-14T12:00:00Z",
    "+12024-05-14T12:00:00Z",
    "14/May/2024:12:00:00 +0000",
    "1715688000.123",
    "1.715688e12",
    "1715688000123Z",
    "999999999999999",
    "99999999999999999999999999",
    "--1",
    "0x10",
    "null",
    "true",
    '{"a":1}',
]


@pytest.fixture(scope="module")
def parsed(spark: SparkSession) -> dict[str, int | None]:
    texts = spark.createDataFrame([(text,) for text in [*SPELLINGS, *REFUSED]], "text string")
    times = texts.select("text", F.expr(f"unix_micros({clock.parse_client_time('text')})"))
    return {str(text): micros for text, micros in times.collect()}


@pytest.mark.parametrize("text", SPELLINGS)
def test_a_time_with_an_offset_is_read_to_the_microsecond(
    text: str, parsed: dict[str, int | None]
) -> None:
    assert parsed[text] == SPELLINGS[text]


@pytest.mark.parametrize("text", REFUSED)
def test_anything_else_is_no_time(text: str, parsed: dict[str, int | None]) -> None:
    assert parsed[text] is None


# name -> (event, sent, what the event time is), seconds from the arrival.
CORRECTIONS: dict[str, tuple[float, float | None, float]] = {
    "a right clock without sent": (-5, None, -5),
    "a right clock with sent": (-5, -1, -4),
    "a clock one hour ahead": (3600 - 5, 3600, -5),
    "a clock one hour behind": (-3600 - 5, -3600, -5),
    "a clock of another century": (-3_000_000_000, -2_999_999_990, -10),
    "a clock ahead without sent": (60, None, 0),
    "the year 2099 without sent": (2_400_000_000, None, 0),
    "sent before it happened": (10, -10, 0),
    "an hour offline": (-3600, -1, -3599),
}


def test_the_event_time_is_corrected_by_sent_and_never_after_the_arrival(
    spark: SparkSession,
) -> None:
    rows = [
        (name, ARRIVAL + timedelta(seconds=event), _shift(ARRIVAL, sent), ARRIVAL)
        for name, (event, sent, _) in CORRECTIONS.items()
    ]
    frame = spark.createDataFrame(
        rows, "name string, event timestamp, sent timestamp, arrival timestamp"
    )
    corrected = clock.correct_event_time("event", "sent", "arrival")
    times = frame.select("name", F.expr(f"unix_micros({corrected})")).collect()
    expected = {
        name: _micros(ARRIVAL + timedelta(seconds=offset))
        for name, (_, _, offset) in CORRECTIONS.items()
    }
    assert dict(map(tuple, times)) == expected


def test_the_event_time_is_never_before_1970(spark: SparkSession) -> None:
    corrected = clock.correct_event_time(
        "timestamp_millis(-1L)", "CAST(NULL AS timestamp)", "timestamp'2024-05-14'"
    )
    before = clock.correct_event_time(
        "timestamp_millis(0L)", "timestamp'2100-01-01'", "timestamp'2024-05-14'"
    )
    row = spark.range(1).selectExpr(f"unix_micros({corrected})", f"unix_micros({before})").first()
    assert tuple(row or ()) == (0, 0)


def _shift(time: datetime, seconds: float | None) -> datetime | None:
    return None if seconds is None else time + timedelta(seconds=seconds)


# name -> (event_time - arrival, stream_time - arrival), is it late.
LATENESS: dict[str, tuple[timedelta, timedelta | None, bool]] = {
    "at once": (timedelta(0), None, False),
    "exactly the allowed lateness": (timedelta(seconds=-300), None, False),
    "a microsecond more": (timedelta(seconds=-300) - MICROSECOND, None, True),
    "in order behind others": (timedelta(seconds=-300), timedelta(seconds=19), False),
    "just ahead of the watermark": (
        timedelta(seconds=-300) + MICROSECOND,
        timedelta(seconds=20),
        False,
    ),
    "exactly at the watermark": (timedelta(seconds=-300), timedelta(seconds=20), True),
    "read an hour out of order": (timedelta(0), timedelta(hours=1), True),
}


def test_late_is_what_may_be_behind_the_session_watermark(spark: SparkSession) -> None:
    rows = [
        (name, ARRIVAL + event, ARRIVAL, None if stream is None else ARRIVAL + stream)
        for name, (event, stream, _) in LATENESS.items()
    ]
    frame = spark.createDataFrame(
        rows, "name string, event_time timestamp, arrival_time timestamp, stream_time timestamp"
    )
    found = frame.select("name", F.expr(clock.is_late(SETTINGS))).collect()
    assert dict(map(tuple, found)) == {name: late for name, (_, _, late) in LATENESS.items()}


# name -> (client_time - arrival, stream_time - arrival), does a copy need the history.
HISTORY: dict[str, tuple[timedelta, timedelta | None, bool]] = {
    "at once": (timedelta(0), None, False),
    "exactly the lateness before": (timedelta(seconds=-300), None, False),
    "a microsecond more": (timedelta(seconds=-300) - MICROSECOND, None, True),
    "exactly the lateness ahead": (timedelta(seconds=300), None, False),
    "a microsecond more ahead": (timedelta(seconds=300) + MICROSECOND, None, True),
    "exactly the read skew": (timedelta(0), timedelta(seconds=20), False),
    "a microsecond more skew": (timedelta(0), timedelta(seconds=20) + MICROSECOND, True),
}


def test_history_is_asked_where_the_state_may_have_forgotten(spark: SparkSession) -> None:
    rows = [
        (name, ARRIVAL + client, ARRIVAL, None if stream is None else ARRIVAL + stream)
        for name, (client, stream, _) in HISTORY.items()
    ]
    frame = spark.createDataFrame(
        rows, "name string, client_time timestamp, arrival_time timestamp, stream_time timestamp"
    )
    found = frame.select("name", F.expr(clock.needs_history(SETTINGS))).collect()
    assert dict(map(tuple, found)) == {name: needed for name, (_, _, needed) in HISTORY.items()}


def test_the_deduplication_time_never_falls_behind_its_watermark(spark: SparkSession) -> None:
    lags = [None, 0, 599, 600, 3600, 10_000_000]
    rows = [(ARRIVAL, _shift(ARRIVAL, lag)) for lag in lags]
    frame = spark.createDataFrame(rows, "arrival_time timestamp, stream_time timestamp")
    moved = frame.select(
        F.expr(f"unix_micros({clock.dedup_time(SETTINGS)}) - unix_micros(arrival_time)")
    ).collect()
    # Two lateness behind the stream is its watermark; the time lies a millisecond above it.
    expected = [max(0, round(((lag or 0) - 600 + 0.001) * 1_000_000)) for lag in lags]
    assert [row[0] for row in moved] == expected


def test_seconds_keep_their_microseconds(spark: SparkSession) -> None:
    between = clock.seconds_between("timestamp'2024-01-01 00:00:00'", "moved")
    moved = clock.add_seconds("timestamp'2024-01-01 00:00:00'", 1800.000001)
    row = spark.range(1).selectExpr(f"{moved} AS moved").selectExpr(between).first()
    assert row is not None
    assert row[0] == 1800.000001
