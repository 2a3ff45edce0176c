"""Expectations to SQL: which reject the record, which flag the event, and what the flags cost.

From the cleaned columns of `streaming.silver` (client fields as text, casts beside them as `_name`)
to arrays of `RejectReason` and `QualityFlag`; a malformed record has just its one reason.
"""

from __future__ import annotations

from schemas.event import NUMBER_FIELDS
from schemas.expectations import FLAGS, REJECTS, Expectation, is_bad_number

_DETAIL_LENGTH = 500
_SHOWN_FIELDS = ("event_type", "event_id", "event_timestamp", "sent_timestamp", "page_url")


def find_reasons() -> str:
    """SQL of all reasons to reject the row, in order of precedence; an empty array accepts it."""
    return (
        "CASE WHEN malformed IS NOT NULL THEN array(malformed) "
        f"ELSE {_names_of_violated(REJECTS)} END"
    )


def find_flags() -> str:
    """SQL of the names of all flags that the row deserves, in the order of their declaration."""
    return _names_of_violated(FLAGS)


def score_quality(flags: str) -> str:
    """SQL of the score: 1 less the weights of the flags, at least 0, to two digits."""
    weights = " + ".join(
        f"CASE WHEN array_contains({flags}, '{flag.name}') THEN {flag.weight}D ELSE 0D END"
        for flag in FLAGS
    )
    # Most events have no flag: they are spared the sum.
    return f"CASE WHEN size({flags}) = 0 THEN 1D ELSE round(greatest(0D, 1D - ({weights})), 2) END"


def describe_rejection() -> str:
    """SQL of the text that says what was wrong: the fields the rules look at, cut short."""
    shown = ", ".join(f"'{name}', left({name}, 100)" for name in _SHOWN_FIELDS)
    numbers = ", ".join(
        f"'{name}', CASE WHEN {is_bad_number(name)} THEN left({name}, 100) END"
        for name in NUMBER_FIELDS
    )
    return (
        "CASE WHEN malformed IS NOT NULL THEN concat('record of ', "
        "coalesce(string(octet_length(raw)), 'no'), ' bytes') "
        f"ELSE left(to_json(named_struct({shown}, {numbers})), {_DETAIL_LENGTH}) END"
    )


def _names_of_violated(expectations: tuple[Expectation, ...]) -> str:
    # As text first, for Spark compiles that: what stands in an array_compact it only interprets.
    names = ", ".join(f"CASE WHEN {rule.violated} THEN '{rule.name}' END" for rule in expectations)
    return f"array_remove(split(concat_ws(',', {names}), ','), '')"
