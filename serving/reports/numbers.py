"""Numbers, changes and times as people read them; pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from serving.zones import find_zone

UNKNOWN = "–"
_MINUTE_S, _HOUR_S = 60, 3600
_UNITS = ("_ms", "_s", "_percent")
_DAY = timedelta(days=1)


def name_column(name: str) -> str:
    """`load_time_p50_ms` as `Load time p50`: the unit is at every value."""
    for unit in _UNITS:
        name = name.removesuffix(unit)
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]


def format_value(value: object, name: str, unit: str) -> str:
    """A metric's value, with its unit."""
    if value is None:
        return UNKNOWN
    if not isinstance(value, int | float):
        return str(value)
    if unit == "count":
        return f"{value:,.0f}"
    if unit == "ratio" and "_per_" not in name:
        return f"{100 * value:,.1f} %"
    if unit == "s":
        return _format_duration(value)
    if unit == "percent":
        return f"{value:,.0f} %"
    if unit == "ms":
        return f"{value:,.0f} ms"
    return f"{value:,.2f}"


def format_change(change: object, value: object, previous: object, unit: str) -> str:
    """A relative change in percent; `new` where there was nothing to count before."""
    if isinstance(change, int | float):
        percent = round(100 * change, 1)
        sign = "+" if percent > 0 else "−" if percent < 0 else "±"
        return f"{sign}{abs(percent):,.1f} %"
    is_new = previous == 0 and isinstance(value, int | float) and value > 0
    return "new" if is_new and unit in ("count", "money") else ""


def format_moment(time: datetime, timezone: str | None) -> str:
    return f"{time.astimezone(find_zone(timezone)):%-d %b %Y, %H:%M}"


def format_range(start: datetime, end: datetime, timezone: str | None) -> str:
    """Whole days by their first and last, anything else by its times."""
    zone = find_zone(timezone)
    first, after = start.astimezone(zone), end.astimezone(zone)
    last = after.date() - _DAY
    # A day may begin at 1:00, where clocks are put forward at midnight.
    if _is_day_start(first) and _is_day_start(after) and first.date() <= last:
        if first.date() == last:
            return f"{first:%a %-d %b %Y}"
        return f"{first:%-d %b %Y} – {last:%-d %b %Y}"
    return f"{format_moment(start, timezone)} – {format_moment(end, timezone)}"


def format_bucket(bucket: str, interval: str) -> str:
    """The start of an interval, in the zone it is given in."""
    time = datetime.fromisoformat(bucket)
    if interval == "month":
        return f"{time:%B %Y}"
    if interval == "hour":
        return f"{time:%-d %b, %H:%M}"
    return f"{time:%a %-d %b}" if interval == "day" else f"from {time:%-d %b %Y}"


def _is_day_start(time: datetime) -> bool:
    midnight = time.replace(hour=0, minute=0, second=0, microsecond=0)
    return time.timestamp() == midnight.timestamp()


def _format_duration(seconds: float) -> str:
    if seconds < _MINUTE_S:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min {whole % _MINUTE_S:02} s"
    return f"{whole // _HOUR_S:,} h {whole % _HOUR_S // _MINUTE_S:02} min"
