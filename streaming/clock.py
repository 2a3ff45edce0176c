"""Times as SQL: the client's clock, the corrected event time, and what counts as late.

All arithmetic is in whole microseconds, so no rounding can move an event across a boundary.
"""

from __future__ import annotations

from settings.model import SessionSettings

MICROS = 1_000_000

_EPOCH_MILLIS = "^-?[0-9]{1,14}$"
_ISO_WITH_OFFSET = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?"
    r"([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)$"
)


def parse_client_time(field: str) -> str:
    """SQL of a client's timestamp: ISO-8601 with offset, or epoch milliseconds; else null."""
    # Spark reads an offset only with a colon, and `T` and `Z` only in upper case.
    with_colon = (
        f"regexp_replace(regexp_replace(upper({field}), "
        r"'([+-][0-9]{2})$', '$1:00'), '([+-][0-9]{2})([0-9]{2})$', '$1:$2')"
    )
    # Nor without seconds; few clients leave them out, so they are added only then.
    with_seconds = f"regexp_replace({with_colon}, '([T ][0-9]{{2}}:[0-9]{{2}})([Z+-])', '$1:00$2')"
    return (
        # `$` lets a line's end pass, and a cast does not.
        f"CASE WHEN {field} RLIKE '{_EPOCH_MILLIS}' "
        f"THEN timestamp_millis(try_cast({field} AS bigint)) "
        f"WHEN {field} RLIKE '{_ISO_WITH_OFFSET}' THEN coalesce("
        f"try_cast({with_colon} AS timestamp), try_cast({with_seconds} AS timestamp)) END"
    )


def correct_event_time(event: str, sent: str, arrival: str) -> str:
    """SQL of the event time: `arrival - (sent - event)` where sent is there, else the event's.

    Never after the arrival (one event dated 2099 must not move a watermark) and never before 1970.
    """
    corrected = (
        f"timestamp_micros(unix_micros({arrival}) - (unix_micros({sent}) - unix_micros({event})))"
    )
    return f"greatest(least(coalesce({corrected}, {event}), {arrival}), timestamp_micros(0))"


def seconds_between(earlier: str, later: str) -> str:
    """SQL of `later - earlier` in seconds, with fractions."""
    return f"((unix_micros({later}) - unix_micros({earlier})) / {MICROS}D)"


def add_seconds(time: str, seconds: float) -> str:
    """SQL of a timestamp moved by a number of seconds, exact to the microsecond."""
    return f"timestamp_micros(unix_micros({time}) + {round(seconds * MICROS)}L)"


def watermark_delay_s(settings: SessionSettings) -> float:
    """How far the session watermark stays behind the newest event, seconds (docs/adr/0003)."""
    return settings.allowed_lateness_s + settings.read_skew_s


def dedup_delay_s(settings: SessionSettings) -> float:
    """How long the deduplication state keeps a key beyond its arrival, seconds (docs/adr/0002)."""
    return 2 * settings.allowed_lateness_s


def is_late(settings: SessionSettings) -> str:
    """SQL: the event must not enter a session window, for it may be behind the watermark."""
    behind = add_seconds("stream_time", -watermark_delay_s(settings))
    return (
        f"{seconds_between('event_time', 'arrival_time')} > {settings.allowed_lateness_s}D "
        f"OR coalesce(event_time <= {behind}, false)"
    )


def needs_history(settings: SessionSettings) -> str:
    """SQL: a copy of the event may have come before all that the deduplication state still holds.

    True where the client's clock and the arrival differ by more than the lateness on either side,
    or where the record is read out of arrival order.
    """
    skew = seconds_between("client_time", "arrival_time")
    lag = seconds_between("arrival_time", "stream_time")
    limit = settings.allowed_lateness_s
    return (
        f"NOT ({skew} BETWEEN -{limit}D AND {limit}D) "
        f"OR coalesce({lag} > {settings.read_skew_s}D, false)"
    )


def dedup_time(settings: SessionSettings) -> str:
    """SQL of the deduplication's event time: the arrival, lifted just over the watermark."""
    floor = add_seconds("stream_time", 0.001 - dedup_delay_s(settings))
    return f"greatest(arrival_time, {floor})"
