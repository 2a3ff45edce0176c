"""What an event must meet: the expectations of `silver.events`, each with its severity and meaning.

`violated` is SQL over a parsed record: the client's fields as text, and beside them the casts
`_event_time`, `_sent_time`, `_<number>` and the readable `page_host`. A violated `reject` makes the
record a dead letter with that reason; a violated `flag` stays on the event and lowers its score.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from schemas.event import (
    BOOLEAN_FIELDS,
    EVENT_TYPES,
    INTEGER_FIELDS,
    MAX_IDENTIFIER_LENGTH,
    NUMBER_FIELDS,
    REQUIRED_ALWAYS,
    REQUIRED_BY_TYPE,
)
from schemas.reject import RejectReason

_MICROS_PER_DAY = 86_400_000_000
_MAX_URL_LENGTH = 8_192


class QualityFlag(StrEnum):
    """What may be wrong with an event that counts all the same: `silver.events.quality_flags`."""

    FUTURE_TIME = "future_time"
    ABSURD_TIME = "absurd_time"
    CLOCK_CORRECTED = "clock_corrected"
    SENT_BEFORE_EVENT = "sent_before_event"
    UNREADABLE_INTEGER = "unreadable_integer"
    UNREADABLE_BOOLEAN = "unreadable_boolean"
    UNREADABLE_REFERRER = "unreadable_referrer"
    BAD_ESCAPE = "bad_escape"
    LONG_URL = "long_url"
    INVALID_CURRENCY = "invalid_currency"
    NO_USER_AGENT = "no_user_agent"


@dataclass(frozen=True)
class Expectation:
    """One rule: its name, what a violation does, SQL that is true where violated, its meaning.

    `weight` is what a flag takes from `quality_score`, which starts at 1 and ends at 0.
    """

    name: RejectReason | QualityFlag
    severity: Literal["reject", "flag"]
    violated: str
    help: str
    weight: float = 0.0


def is_bad_number(name: str) -> str:
    """SQL: the number field is there but no finite number within its range."""
    low, high = NUMBER_FIELDS[name]
    good = f"_{name} > double('-Infinity') AND _{name} < double('Infinity')"
    if low is not None:
        good += f" AND _{name} >= {low}"
    if high is not None:
        good += f" AND _{name} <= {high}"
    # NaN is greater than every number in Spark, so it fails the first line as well.
    return f"{name} IS NOT NULL AND NOT coalesce({good}, false)"


def _all_absent(fields: tuple[str, ...]) -> str:
    return " AND ".join(f"nullif({name}, '') IS NULL" for name in fields)


def _any(conditions: list[str]) -> str:
    return " OR ".join(f"({condition})" for condition in conditions)


def _missing_field() -> str:
    groups = [_all_absent(group) for group in REQUIRED_ALWAYS]
    for event_type, required in REQUIRED_BY_TYPE.items():
        groups += [f"event_type = '{event_type}' AND {_all_absent(group)}" for group in required]
    return _any(groups)


def _is_unparsed(text: str, parsed: str) -> str:
    return f"nullif({text}, '') IS NOT NULL AND {parsed} IS NULL"


def _reject(name: RejectReason, violated: str, meaning: str) -> Expectation:
    return Expectation(name, "reject", violated, meaning)


def _flag(name: QualityFlag, weight: float, violated: str, meaning: str) -> Expectation:
    return Expectation(name, "flag", violated, meaning, weight)


_IDENTIFIERS = ("event_id", "anonymous_id", "user_id")
_TIMES = (("event_timestamp", "_event_time"), ("sent_timestamp", "_sent_time"))
_URLS = ("page_url", "referrer")

# In order of precedence: a dead letter's `reason` is the first that applies.
REJECTS = (
    _reject(
        RejectReason.MISSING_FIELD,
        _missing_field(),
        "A required field is absent or blank.",
    ),
    _reject(
        RejectReason.UNKNOWN_EVENT_TYPE,
        f"event_type NOT IN ({', '.join(repr(name) for name in EVENT_TYPES)})",
        "event_type is none of the eight types.",
    ),
    _reject(
        RejectReason.INVALID_LENGTH,
        _any([f"length({name}) > {MAX_IDENTIFIER_LENGTH}" for name in _IDENTIFIERS]),
        f"An identifier is longer than {MAX_IDENTIFIER_LENGTH} characters.",
    ),
    _reject(
        RejectReason.INVALID_TIMESTAMP,
        _any([_is_unparsed(text, parsed) for text, parsed in _TIMES]),
        "A time is neither ISO-8601 with offset nor epoch milliseconds.",
    ),
    _reject(
        RejectReason.INVALID_URL,
        "event_type = 'page_view' AND page_host IS NULL AND nullif(page_url, '') IS NOT NULL",
        "Scheme or host of page_url cannot be read.",
    ),
    _reject(
        RejectReason.INVALID_NUMBER,
        _any([is_bad_number(name) for name in NUMBER_FIELDS]),
        "A number is not one, not finite, or outside its range.",
    ),
)

_SKEW = "unix_micros(_event_time) - unix_micros(arrival_time)"
FLAGS = (
    _flag(
        QualityFlag.FUTURE_TIME,
        0.2,
        f"_sent_time IS NULL AND {_SKEW} > 0",
        "The client's time is after the arrival; event_time is the arrival.",
    ),
    _flag(
        QualityFlag.ABSURD_TIME,
        0.3,
        f"abs({_SKEW}) > 3650 * {_MICROS_PER_DAY}L",
        "The client's time is more than ten years from the arrival.",
    ),
    _flag(
        QualityFlag.CLOCK_CORRECTED,
        0.1,
        "abs(unix_micros(_sent_time) - unix_micros(arrival_time)) > 60000000L",
        "The client's clock was over a minute wrong, and sent_timestamp puts it right.",
    ),
    _flag(
        QualityFlag.SENT_BEFORE_EVENT,
        0.2,
        "_sent_time < _event_time",
        "sent_timestamp is before event_timestamp.",
    ),
    _flag(
        QualityFlag.UNREADABLE_INTEGER,
        0.1,
        _any(
            [
                f"nullif({name}, '') IS NOT NULL AND try_cast({name} AS double) IS NULL"
                for name in INTEGER_FIELDS
            ]
        ),
        "An integer field holds something else; it is null.",
    ),
    _flag(
        QualityFlag.UNREADABLE_BOOLEAN,
        0.1,
        _any(
            [
                f"nullif({name}, '') IS NOT NULL AND try_cast({name} AS boolean) IS NULL"
                for name in BOOLEAN_FIELDS
            ]
        ),
        "A boolean field holds something else; it is null.",
    ),
    _flag(
        QualityFlag.UNREADABLE_REFERRER,
        0.1,
        "nullif(referrer, '') IS NOT NULL AND referrer_host IS NULL "
        "AND NOT startswith(referrer, 'android-app://')",
        "The referrer is no absolute URL.",
    ),
    _flag(
        QualityFlag.BAD_ESCAPE,
        0.05,
        _any([f"contains({name}, '%') AND try_url_decode({name}) IS NULL" for name in _URLS]),
        "A URL holds a percent sign that escapes nothing.",
    ),
    _flag(
        QualityFlag.LONG_URL,
        0.1,
        _any([f"length({name}) > {_MAX_URL_LENGTH}" for name in _URLS]),
        f"A URL is longer than {_MAX_URL_LENGTH} characters.",
    ),
    _flag(
        QualityFlag.INVALID_CURRENCY,
        0.2,
        "nullif(currency, '') IS NOT NULL AND NOT currency RLIKE '^[A-Za-z]{3}$'",
        "currency is no ISO-4217 code.",
    ),
    _flag(
        QualityFlag.NO_USER_AGENT,
        0.1,
        "nullif(trim(user_agent), '') IS NULL",
        "No user agent was sent.",
    ),
)

EXPECTATIONS: tuple[Expectation, ...] = REJECTS + FLAGS
