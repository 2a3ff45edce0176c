"""Days, weeks and months of a time zone, over tables that are by UTC hour.

From a zone's name (IANA) to SQL expressions and to moments; pure. Where a zone is a half or quarter
of an hour off (Asia/Kolkata), its days begin within an hour: `splits_hours` says so, and such hours
are then read from Silver, by quarters (serving/queries.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache, lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

_HOUR_S = 3600
_EPOCH_DAY = datetime(1970, 1, 1).toordinal()


@cache
def list_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def find_zone(name: str | None) -> tzinfo:
    return ZoneInfo(name) if name else UTC


def place_time(time: datetime, timezone: str | None) -> datetime:
    """A time without an offset as one of the zone, in UTC.

    Where clocks are put forward, a time that is left out means the one as much later (as midnight
    of a day that begins at 1:00); where they are put back, the first of the two.
    """
    return (time.replace(tzinfo=find_zone(timezone)) if not time.tzinfo else time).astimezone(UTC)


@lru_cache(maxsize=1024)
def splits_hours(timezone: str | None, start: datetime, end: datetime) -> bool:
    """Whether the zone's days begin within an hour of UTC, somewhere in the range."""
    if timezone is None:
        return False
    zone, days = find_zone(timezone), range((end - start).days + 2)
    return any(_offset_s(start + timedelta(days=day), zone) % _HOUR_S for day in days)


def bucket_sql(interval: str, moment: str, timezone: str | None, is_split: bool) -> str:
    """SQL of the start of the interval that a moment lies in."""
    if interval == "hour":
        # Not by local time, of which one hour comes twice when clocks are put back.
        if not is_split:
            return f"date_trunc('HOUR', {moment})"
        shifted = f"floor((unix_seconds({moment}) + :shift_s) / {_HOUR_S}) * {_HOUR_S}"
        return f"timestamp_seconds({shifted} - :shift_s)"
    if timezone is None:
        return f"date_trunc('{interval.upper()}', {moment})"
    local = f"date_trunc('{interval.upper()}', from_utc_timestamp({moment}, :timezone))"
    return f"to_utc_timestamp({local}, :timezone)"


def is_whole_sql(interval: str, hour: str, timezone: str | None) -> str:
    """SQL of whether an hour, by its start, lies in one interval."""
    last = f"{hour} + INTERVAL {_HOUR_S - 1} SECONDS"
    first_bucket, last_bucket = (bucket_sql(interval, at, timezone, True) for at in (hour, last))
    return f"{first_bucket} = {last_bucket}"


def quarter_sql(time: str) -> str:
    """SQL of the quarter of an hour that a time lies in: every zone's days begin with one."""
    return f"timestamp_seconds(floor(unix_seconds({time}) / 900) * 900)"


def bind_zone(
    interval: str | None, timezone: str | None, is_split: bool, start: datetime
) -> dict[str, str | int]:
    """Values for `bucket_sql`."""
    if interval is None or timezone is None:
        return {}
    if interval == "hour":
        return {"shift_s": _offset_s(start, find_zone(timezone)) % _HOUR_S} if is_split else {}
    return {"timezone": timezone}


def shift_back(start: datetime, end: datetime, timezone: str | None) -> tuple[datetime, datetime]:
    """The range of the same length before: as long by the clocks of the zone, so days stay days."""
    zone = find_zone(timezone)
    local_start, local_end = (time.astimezone(zone).replace(tzinfo=None) for time in (start, end))
    return place_time(local_start - (local_end - local_start), timezone), start


def number_of(interval: str, time: datetime, timezone: str | None) -> int:
    """The number of the interval that a time lies in; those that follow each other differ by 1."""
    zone = find_zone(timezone)
    local = time.astimezone(zone)
    day = local.toordinal() - _EPOCH_DAY
    if interval == "hour":
        return int((time.timestamp() + _offset_s(time, zone) % _HOUR_S) // _HOUR_S)
    return {"day": day, "week": (day + 3) // 7, "month": local.year * 12 + local.month}[interval]


def number_sql(interval: str, bucket: str, timezone: str | None) -> str:
    """SQL of the same, of a bucket's start."""
    if interval == "hour":
        return f"floor(unix_seconds({bucket}) / {_HOUR_S})"
    local = bucket if timezone is None else f"from_utc_timestamp({bucket}, :timezone)"
    if interval == "month":
        return f"(year({local}) * 12 + month({local}))"
    day = f"unix_date(CAST({local} AS DATE))"
    return day if interval == "day" else f"floor(({day} + 3) / 7)"


def show_buckets(rows: list[dict[str, Any]], timezone: str | None) -> list[dict[str, Any]]:
    """The rows with their buckets as times of the zone, offset included."""
    if timezone is None or not rows or "bucket" not in rows[0]:
        return rows
    zone = find_zone(timezone)
    shown: Mapping[str, str] = {
        bucket: datetime.fromisoformat(bucket).astimezone(zone).isoformat()
        for bucket in {row["bucket"] for row in rows}
    }
    return [{**row, "bucket": shown[row["bucket"]]} for row in rows]


def _offset_s(time: datetime, zone: tzinfo) -> int:
    offset = time.astimezone(zone).utcoffset()
    return int(offset.total_seconds()) if offset else 0
