"""Attribution against cases made by hand; all of them in one query per model.

The models are those that Google Analytics had (first click, last click, linear, position-based).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import SparkSession

from serving.journeys.attribution import Model, build_attribution
from tests.serving.journeys.frames import ask, at, make_session, select
from tests.serving.lake import Row

START = at("2026-03-01")
RANGE = select("2026-03-01", "2026-04-01")
WINDOW_S = 30 * 86_400.0
MODELS: tuple[Model, ...] = ("first", "last", "linear", "position")
Credit = dict[str, float]


def touch(source: str, day: float, conversions: int = 0, **more: Any) -> Row:
    """A session `day` days after the start of the range; `-` is a direct one."""
    is_direct = source == "-"
    return {
        "source": "(direct)" if is_direct else source,
        "channel": "Direct" if is_direct else "Referral",
        "session_start": START + timedelta(days=day),
        "conversions": conversions,
        **more,
    }


@dataclass(frozen=True)
class Case:
    """The sessions of one visitor, unless one says otherwise, and who gets how many conversions.

    first, last, linear, position: as MODELS; one alone where all models agree.
    """

    name: str
    touches: list[Row]
    credit: tuple[Credit, ...]


CASES = [
    Case("a single touch gets it all", [touch("a", 1, 1)], ({"a": 1},)),
    Case(
        "two touches",
        [touch("a", 1), touch("b", 2, 1)],
        ({"a": 1}, {"b": 1}, {"a": 0.5, "b": 0.5}, {"a": 0.5, "b": 0.5}),
    ),
    Case(
        "three touches",
        [touch("a", 1), touch("b", 2), touch("c", 3, 1)],
        (
            {"a": 1},
            {"c": 1},
            {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3},
            {"a": 0.4, "b": 0.2, "c": 0.4},
        ),
    ),
    Case(
        "five touches share the middle",
        [touch("a", 1), touch("b", 2), touch("c", 3), touch("d", 4), touch("e", 5, 1)],
        (
            {"a": 1},
            {"e": 1},
            {"a": 0.2, "b": 0.2, "c": 0.2, "d": 0.2, "e": 0.2},
            {"a": 0.4, "b": 0.2 / 3, "c": 0.2 / 3, "d": 0.2 / 3, "e": 0.4},
        ),
    ),
    Case("direct last gets nothing", [touch("a", 1), touch("-", 2, 1)], ({"a": 1},)),
    Case("direct first gets nothing", [touch("-", 1), touch("a", 2, 1)], ({"a": 1},)),
    Case(
        "direct between does not count as a place",
        [touch("a", 1), touch("-", 2), touch("b", 3, 1)],
        ({"a": 1}, {"b": 1}, {"a": 0.5, "b": 0.5}, {"a": 0.5, "b": 0.5}),
    ),
    Case("all direct", [touch("-", 1), touch("-", 2, 1)], ({"(direct)": 1},)),
    Case("exactly the window", [touch("a", -20), touch("-", 10, 1)], ({"a": 1},)),
    Case(
        "a moment before the window",
        [touch("a", -20.000001), touch("-", 10, 1)],
        ({"(direct)": 1},),
    ),
    Case(
        "each conversion has a path of its own",
        [touch("a", 1, 1), touch("b", 2, 1)],
        ({"a": 2}, {"a": 1, "b": 1}, {"a": 1.5, "b": 0.5}, {"a": 1.5, "b": 0.5}),
    ),
    Case(
        "three conversions in a session",
        [touch("a", 1), touch("b", 2, 3)],
        ({"a": 3}, {"b": 3}, {"a": 1.5, "b": 1.5}, {"a": 1.5, "b": 1.5}),
    ),
    Case("what comes after is no touch", [touch("a", 1, 1), touch("b", 1.1)], ({"a": 1},)),
    Case(
        "a conversion before the range is a touch only",
        [touch("a", -1, 1), touch("b", 1, 1)],
        ({"a": 1}, {"b": 1}, {"a": 0.5, "b": 0.5}, {"a": 0.5, "b": 0.5}),
    ),
    Case("a conversion at the end of the range", [touch("a", 1), touch("b", 31, 1)], ()),
    Case(
        "one user on two devices",
        [
            touch("a", 1, visitor_id="phone", user_id="u-two"),
            touch("b", 2, 1, visitor_id="laptop", user_id="u-two"),
        ],
        ({"a": 1}, {"b": 1}, {"a": 0.5, "b": 0.5}, {"a": 0.5, "b": 0.5}),
    ),
    Case(
        "who logs in later was that user",
        [
            touch("a", 1, visitor_id="anonymous"),
            touch("b", 2, 1, visitor_id="known", user_id="u-later"),
            touch("-", 3, visitor_id="anonymous", user_id="u-later"),
        ],
        ({"a": 1}, {"b": 1}, {"a": 0.5, "b": 0.5}, {"a": 0.5, "b": 0.5}),
    ),
    Case(
        "somebody else's touch",
        [touch("a", 1, visitor_id="somebody"), touch("b", 2, 1)],
        ({"b": 1},),
    ),
    Case(
        "another site's touch",
        [touch("a", 1, site_id="another"), touch("b", 2, 1)],
        ({"b": 1},),
    ),
    Case("a bot's touch", [touch("a", 1, is_bot=True), touch("b", 2, 1)], ({"b": 1},)),
    Case("a bot's conversion", [touch("a", 1, 1, is_bot=True)], ()),
    Case("the same source twice", [touch("a", 1), touch("a", 2, 1)], ({"a": 1},)),
    Case(
        "at the same moment, in order of session ids",
        [
            touch("b", 1, 1, session_id="same-2", visitor_id="one", user_id="u-same"),
            touch("a", 1, session_id="same-1", visitor_id="two", user_id="u-same"),
        ],
        ({"a": 1}, {"b": 1}, {"a": 0.5, "b": 0.5}, {"a": 0.5, "b": 0.5}),
    ),
    Case("no conversion", [touch("a", 1), touch("b", 2)], ()),
]


def list_sessions() -> list[Row]:
    return [
        make_session(
            **{
                "visitor": row.get("visitor_id", case.name),
                "start": row["session_start"],
                "campaign": case.name,
                "revenue": Decimal(10 * row["conversions"]) if row["conversions"] else None,
                **{name: value for name, value in row.items() if name != "session_start"},
            }
        )
        for case in CASES
        for row in case.touches
    ]


def list_credit(rows: list[Row], column: str) -> dict[str, Credit]:
    credit: dict[str, Credit] = {}
    for row in rows:
        credit.setdefault(row["campaign"], {})[row["source"]] = row[column]
    return credit


@pytest.mark.parametrize("model", MODELS)
def test_hand_made_cases(reading_spark: SparkSession, model: Model) -> None:
    statement = build_attribution(RANGE, model, WINDOW_S, ("campaign", "source"))
    rows = ask(reading_spark, statement, sessions=list_sessions())
    expected = {
        case.name: case.credit[MODELS.index(model) if len(case.credit) > 1 else 0]
        for case in CASES
        if case.credit
    }
    given = list_credit(rows, "conversions")
    assert given.keys() == expected.keys()
    for name, credit in expected.items():
        assert given[name] == pytest.approx(credit), name
    # Each conversion is worth 10, so revenue is credited alike.
    for name, credit in list_credit(rows, "revenue").items():
        assert credit == pytest.approx({key: 10 * part for key, part in given[name].items()})


def test_the_sum_is_that_of_the_sessions(reading_spark: SparkSession) -> None:
    sessions = list_sessions()
    counted = [
        row
        for row in sessions
        if not row["is_bot"] and RANGE.start <= row["session_start"] < RANGE.end
    ]
    statement = build_attribution(RANGE, "position", WINDOW_S, ("channel",))
    rows = ask(reading_spark, statement, sessions=sessions)
    total = sum(row["conversions"] for row in rows)
    assert total == pytest.approx(sum(row["conversions"] for row in counted))
    revenue = sum(row["revenue"] or 0 for row in counted)
    assert sum(row["revenue"] for row in rows) == pytest.approx(float(revenue))


def test_direct_sessions_are_touches_when_asked_for(reading_spark: SparkSession) -> None:
    sessions = [
        make_session("v", at("2026-03-02"), source="a", channel="Referral"),
        make_session("v", at("2026-03-03"), conversions=1, revenue=Decimal("-8")),
    ]
    statement = build_attribution(RANGE, "linear", WINDOW_S, include_direct=True)
    assert ask(reading_spark, statement, sessions=sessions) == [
        {
            "channel": "Direct",
            "source": "(direct)",
            "medium": "(none)",
            "conversions": 0.5,
            "revenue": -4.0,
        },
        {
            "channel": "Referral",
            "source": "a",
            "medium": "(none)",
            "conversions": 0.5,
            "revenue": -4.0,
        },
    ]


def test_without_a_window_only_the_session_itself_counts(reading_spark: SparkSession) -> None:
    sessions = [
        make_session("v", at("2026-03-02"), source="a"),
        make_session("v", at("2026-03-03"), source="b", conversions=2),
    ]
    statement = build_attribution(RANGE, "first", 0, ("source",))
    rows = ask(reading_spark, statement, sessions=sessions)
    assert rows == [{"source": "b", "conversions": 2.0, "revenue": 0.0}]


def test_one_site(reading_spark: SparkSession) -> None:
    sessions = [
        make_session("v", at("2026-03-02"), source="a", conversions=1, site_id="shop"),
        make_session("v", at("2026-03-02"), source="b", conversions=1, site_id="blog"),
    ]
    shop = select("2026-03-01", "2026-04-01", filters={"site_id": "shop"})
    rows = ask(reading_spark, build_attribution(shop, "last", 60, ("source",)), sessions=sessions)
    assert [row["source"] for row in rows] == ["a"]
