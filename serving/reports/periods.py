"""The named periods of reports, and the one before each, in a time zone; pure.

From a name such as `last_week` and the time it is now to two ranges, each from midnight to midnight
of the zone. Every period is over: none has today in it.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

from pydantic_core import PydanticCustomError

from serving.ranges import Range
from serving.zones import find_zone, place_time

MAX_DAYS = 366
_CALENDAR = ("yesterday", "last_week", "last_month", "last_quarter", "last_year")
_DAYS = re.compile(r"last_(\d{1,3})_days")
_MONTHS = {"last_month": 1, "last_quarter": 3, "last_year": 12}


def check_period(name: object) -> object:
    """The name, if it is that of a period."""
    found = _DAYS.fullmatch(name) if isinstance(name, str) else None
    if name in _CALENDAR or (found and 1 <= int(found[1]) <= MAX_DAYS):
        return name
    allowed = f"{', '.join(_CALENDAR)}, or last_<n>_days with n from 1 to {MAX_DAYS}"
    raise PydanticCustomError("period", "given {given}, allowed: " + allowed, {"given": repr(name)})


def resolve_period(name: str, now: datetime, timezone: str | None) -> tuple[Range, Range]:
    """The period that a name means at `now`, and the one before it, in UTC.

    Calendar periods are compared with the calendar period before (a month with a month, however
    many days each has); n days with the n days before. Weeks begin on Monday.
    """
    today = now.astimezone(find_zone(timezone)).date()
    before, start, end = _find_days(name, today)
    first, middle, last = (
        place_time(datetime.combine(day, time.min), timezone) for day in (before, start, end)
    )
    return (middle, last), (first, middle)


def _find_days(name: str, today: date) -> tuple[date, date, date]:
    """First day of the period before, first of the period, and the first after it."""
    if months := _MONTHS.get(name):
        end = today.replace(month=(today.month - 1) // months * months + 1, day=1)
        return _months_back(end, 2 * months), _months_back(end, months), end
    if name == "last_week":
        end, days = today - timedelta(days=today.weekday()), 7
    else:
        found = _DAYS.fullmatch(name)
        end, days = today, int(found[1]) if found else 1
    return end - timedelta(days=2 * days), end - timedelta(days=days), end


def _months_back(first: date, months: int) -> date:
    number = first.year * 12 + first.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)
