"""What an event must meet to enter Silver: one SQL expression that lists every reason against it.

From the cleaned columns of `streaming.silver` (client fields as text, casts beside them as `_name`)
to an array of `RejectReason`; a malformed record has just that one reason.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from schemas.event import (
    EVENT_TYPES,
    MAX_IDENTIFIER_LENGTH,
    NUMBER_FIELDS,
    REQUIRED_ALWAYS,
    REQUIRED_BY_TYPE,
)
from schemas.reject import RejectReason

_DETAIL_LENGTH = 500
_TIMES = (("event_timestamp", "_event_time"), ("sent_timestamp", "_sent_time"))


def find_reasons() -> Column:
    """All reasons to reject the row, in order of precedence; an empty array accepts it."""
    violations = {
        RejectReason.MISSING_FIELD: _missing_field(),
        RejectReason.UNKNOWN_EVENT_TYPE: _unknown_event_type(),
        RejectReason.INVALID_LENGTH: _invalid_length(),
        RejectReason.INVALID_TIMESTAMP: _invalid_timestamp(),
        RejectReason.INVALID_URL: "event_type = 'page_view' AND page_host IS NULL "
        "AND nullif(page_url, '') IS NOT NULL",
        RejectReason.INVALID_NUMBER: _invalid_number(),
    }
    reasons = ", ".join(
        f"CASE WHEN {condition} THEN '{reason}' END" for reason, condition in violations.items()
    )
    return F.expr(
        "CASE WHEN malformed IS NOT NULL THEN array(malformed) "
        f"ELSE array_compact(array({reasons})) END"
    )


def describe_rejection() -> str:
    """SQL of the text that says what was wrong: the fields the rules look at, cut short."""
    fields = ["event_type", "event_id", "event_timestamp", "sent_timestamp", "page_url"]
    shown = ", ".join(f"'{name}', left({name}, 100)" for name in fields)
    numbers = ", ".join(
        f"'{name}', CASE WHEN {_bad_number(name)} THEN left({name}, 100) END"
        for name in NUMBER_FIELDS
    )
    return (
        "CASE WHEN malformed IS NOT NULL THEN concat('record of ', "
        "coalesce(string(octet_length(raw)), 'no'), ' bytes') "
        f"ELSE left(to_json(named_struct({shown}, {numbers})), {_DETAIL_LENGTH}) END"
    )


def _missing_field() -> str:
    groups = [_all_absent(group) for group in REQUIRED_ALWAYS]
    for event_type, required in REQUIRED_BY_TYPE.items():
        groups += [f"event_type = '{event_type}' AND {_all_absent(group)}" for group in required]
    return " OR ".join(f"({group})" for group in groups)


def _all_absent(fields: tuple[str, ...]) -> str:
    return " AND ".join(f"nullif({name}, '') IS NULL" for name in fields)


def _unknown_event_type() -> str:
    return f"event_type NOT IN ({', '.join(repr(name) for name in EVENT_TYPES)})"


def _invalid_length() -> str:
    names = ("event_id", "anonymous_id", "user_id")
    return " OR ".join(f"length({name}) > {MAX_IDENTIFIER_LENGTH}" for name in names)


def _invalid_timestamp() -> str:
    return " OR ".join(
        f"(nullif({text}, '') IS NOT NULL AND {parsed} IS NULL)" for text, parsed in _TIMES
    )


def _invalid_number() -> str:
    return " OR ".join(f"({_bad_number(name)})" for name in NUMBER_FIELDS)


def _bad_number(name: str) -> str:
    low, high = NUMBER_FIELDS[name]
    good = f"_{name} > double('-Infinity') AND _{name} < double('Infinity')"
    if low is not None:
        good += f" AND _{name} >= {low}"
    if high is not None:
        good += f" AND _{name} <= {high}"
    # NaN is greater than every number in Spark, so it fails the first line as well.
    return f"{name} IS NOT NULL AND NOT coalesce({good}, false)"
