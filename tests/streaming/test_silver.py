"""Silver: the shape of an accepted event, and what is derived from what the client sent."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from schemas.silver import EVENTS
from settings.model import Settings
from streaming.enrich import enrich_events
from streaming.rules import load_rules
from streaming.silver import judge_events
from tests.streaming.records import NOON, at, make_event, make_record, read_bronze

SETTINGS = Settings(currencies={"de": "EUR"}, default_currency="USD")
RULES = load_rules(SETTINGS)


def _page(url: str, **fields: Any) -> dict[str, Any]:
    return {"page_url": url, **fields}


def _sale(**fields: Any) -> dict[str, Any]:
    return {"event_type": "custom_event", "event_name": "sale", **fields}


DIRECT = {"source": "(direct)", "medium": "(none)", "campaign": None}

# Case -> (fields of the event, columns of silver.events).
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": (
        {"user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"},
        {
            "site_id": "default",
            "visitor_id": "v1",
            "event_type": "page_view",
            "event_date": NOON.date(),
            "event_hour": 12,
            "is_late": False,
            "is_bot": False,
            "bot_reason": None,
            "is_conversion": False,
            "revenue": None,
            "quality_score": 1.0,
            "quality_flags": [],
            "pii_flags": [],
            "rules_version": RULES.version,
            **DIRECT,
        },
    ),
    "named site": ({"site_id": "de"}, {"site_id": "de"}),
    "empty site": ({"site_id": ""}, {"site_id": "default"}),
    "signed in": ({"user_id": "u1"}, {"visitor_id": "v1", "user_id": "u1"}),
    "user only": ({"anonymous_id": "", "user_id": "u1"}, {"visitor_id": "u1"}),
    # URLs.
    "path and query": (
        _page("https://Shop.Example/A/b?c=d#e"),
        {"page_host": "shop.example", "page_path": "/A/b"},
    ),
    "no path": (_page("http://shop.example"), {"page_host": "shop.example", "page_path": "/"}),
    "query without path": (
        _page("http://shop.example?next=/a"),
        {"page_host": "shop.example", "page_path": "/"},
    ),
    "fragment without path": (
        _page("http://shop.example#/a?b"),
        {"page_host": "shop.example", "page_path": "/"},
    ),
    "port": (
        _page("https://shop.example:8443/a"),
        {"page_host": "shop.example", "page_path": "/a"},
    ),
    "user and password": (
        _page("https://me:secret@shop.example:80/a@b"),
        {"page_host": "shop.example", "page_path": "/a@b"},
    ),
    "address of version 6": (
        _page("http://[2001:db8::1]/a"),
        {"page_host": "[2001:db8::1]", "page_path": "/a"},
    ),
    "capital scheme": (_page("HTTPS://SHOP.EXAMPLE/A"), {"page_path": "/A"}),
    "bad escape": (
        _page("http://shop.example/a%/b?width=100%"),
        {"page_host": "shop.example", "page_path": "/a%/b"},
    ),
    "odd characters": (
        _page("http://shop.example/a b|c{d}\\e^ü/世?x"),
        {"page_path": "/a b|c{d}\\e^ü/世"},
    ),
    "double slashes": (_page("http://shop.example//a//"), {"page_path": "//a//"}),
    "URL inside a query": (
        _page("http://shop.example/go?to=http://b.example/c"),
        {"page_host": "shop.example", "page_path": "/go"},
    ),
    "no page": ({"event_type": "click", "page_url": None}, {"page_host": None, "page_path": None}),
    # Where a visit comes from.
    "tagged": (
        _page("https://shop.example/?utm_source=news&utm_medium=email&utm_campaign=may"),
        {"source": "news", "medium": "email", "campaign": "may", "utm_source": "news"},
    ),
    "tagged with a source only": (
        _page("https://shop.example/?utm_source=news", referrer="https://other.example/"),
        {"source": "news", "medium": "(not set)", "campaign": None},
    ),
    "encoded tag": (
        _page("https://shop.example/?a=1&utm_source=Gr%C3%B6%C3%9Fe+1"),
        {"source": "Größe 1"},
    ),
    "tag that cannot be decoded": (
        _page("https://shop.example/?utm_source=100%"),
        {"source": "100%"},
    ),
    "empty tag": (_page("https://shop.example/?utm_source="), DIRECT),
    "tag twice": (_page("https://shop.example/?utm_source=a&utm_source=b"), {"source": "a"}),
    "tag that only ends so": (_page("https://shop.example/?xutm_source=a"), DIRECT),
    "tag in the path": (_page("https://shop.example/utm_source=a"), DIRECT),
    "tag in the fragment": (_page("https://shop.example/#?utm_source=a"), DIRECT),
    "link from elsewhere": (
        {"referrer": "https://News.Example:443/story?id=1"},
        {"source": "news.example", "medium": "referral", "referrer_host": "news.example"},
    ),
    "link within the site": (
        {"referrer": "https://shop.example/other"},
        {"referrer_host": "shop.example", **DIRECT},
    ),
    "referrer that is no URL": ({"referrer": "android-app"}, {"referrer_host": None, **DIRECT}),
    # Conversions and money.
    "sale": (_sale(value=19.99), {"is_conversion": True, "revenue": Decimal("19.9900")}),
    "sale in the site's currency": (
        _sale(value="0.1", currency="usd"),
        {"revenue": Decimal("0.1000"), "currency": "usd", "value": 0.1},
    ),
    "sale in another currency": (
        _sale(value=5, currency="EUR"),
        {"is_conversion": True, "revenue": None, "value": 5.0},
    ),
    "sale on a site of its own currency": (
        _sale(value=5, currency="EUR", site_id="de"),
        {"revenue": Decimal("5.0000")},
    ),
    "dollars on that site": (_sale(value=5, currency="USD", site_id="de"), {"revenue": None}),
    "sale with an empty currency": (_sale(value=5, currency=""), {"revenue": Decimal("5.0000")}),
    "sale of nothing": (_sale(value=0), {"is_conversion": True, "revenue": Decimal("0.0000")}),
    "refund": (_sale(value=-5.5), {"is_conversion": True, "revenue": Decimal("-5.5000")}),
    "event without value": (_sale(), {"is_conversion": False, "revenue": None}),
    "value of another type": (
        {"value": 5},
        {"is_conversion": False, "revenue": None, "value": 5.0},
    ),
    # Types.
    "integers": (
        {"screen_width": 1920, "screen_height": "1080", "x": 10.7, "y": "left"},
        {"screen_width": 1920, "screen_height": 1080, "x": 10, "y": None},
    ),
    "integer too great": ({"viewport_width": 10**12}, {"viewport_width": None}),
    "booleans": (
        {"form_success": True, "consent_analytics": "false"},
        {"form_success": True, "consent_analytics": False},
    ),
    "boolean that is none": ({"form_success": "perhaps"}, {"form_success": None}),
}


# Case -> (event_timestamp, sent_timestamp) that are valid; all arrive at NOON.
ODD_CLOCKS: dict[str, tuple[Any, Any]] = {
    "before the year 1": (-99_999_999_999_999, None),
    "year 0": ("0000-01-01T00:00:00Z", None),
    "first day": ("0001-01-01T00:00:00Z", None),
    "before 1970": (-1, None),
    "year 5138": (99_999_999_999_999, None),
    "last day": ("9999-12-31T23:59:59.999999Z", None),
    "wildly behind": (-99_999_999_999_999, 99_999_999_999_999),
    "wildly ahead": (99_999_999_999_999, -99_999_999_999_999),
}
ORIGINAL = make_event(sent_timestamp=NOON.isoformat())
COPY = {**ORIGINAL, "sent_timestamp": at(3600).isoformat()}
SAME_EVENT_IDS = [
    ("a", "bc"),
    ("ab", "c"),
    ("1:a", "bc"),
    ("default", "x"),
    (None, "x"),
    ("", "x"),
]


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> list[Row]:
    """All cases in one job, in the order of the tests that take them."""
    records = [make_record(make_event(**fields)) for fields, _ in CASES.values()]
    records += [
        make_record(make_event(event_timestamp=event, sent_timestamp=sent), NOON)
        for event, sent in ODD_CLOCKS.values()
    ]
    records += [make_record(ORIGINAL, NOON), make_record(COPY, at(3600))]
    records += [make_record(make_event(name, site_id=site)) for site, name in SAME_EVENT_IDS]
    judged = judge_events(read_bronze(spark, records, first_offset=41), SETTINGS)
    return judged.orderBy("offset").collect()


@pytest.fixture(scope="module")
def events(spark: SparkSession) -> list[Row]:
    """The rows of silver.events that the cases become, in their order."""
    records = [make_record(make_event(**fields)) for fields, _ in CASES.values()]
    judged = judge_events(read_bronze(spark, records), SETTINGS)
    return enrich_events(judged.select("event.*"), SETTINGS, RULES).orderBy("offset").collect()


@pytest.mark.parametrize("case", CASES)
def test_an_event_is_shaped(case: str, rows: list[Row], events: list[Row]) -> None:
    place = list(CASES).index(case)
    assert rows[place].reasons == []
    event = events[place].asDict()
    expected = CASES[case][1]
    assert {name: event[name] for name in expected} == expected


def test_an_event_has_exactly_the_columns_of_the_table(spark: SparkSession) -> None:
    judged = judge_events(read_bronze(spark, [make_record(make_event())]), SETTINGS)
    shaped = enrich_events(judged.select("event.*"), SETTINGS, RULES).dtypes
    assert shaped == [(column.name, column.type) for column in EVENTS.columns]


def test_odd_clocks_give_times_that_every_later_step_can_hold(rows: list[Row]) -> None:
    odd = rows[len(CASES) : len(CASES) + len(ODD_CLOCKS)]
    for row in odd:
        assert row.reasons == []
        assert row.needs_history
        for name in ("event_time", "client_time"):
            # A day before and after must exist too: the search for copies looks there.
            moment = row.event[name].replace(tzinfo=UTC)
            assert datetime(1970, 1, 1, tzinfo=UTC) <= moment <= datetime(9999, 1, 1, tzinfo=UTC)
        assert row.event["event_time"].replace(tzinfo=UTC) <= NOON


def test_a_copy_sent_again_with_a_new_sent_time_asks_the_history(rows: list[Row]) -> None:
    place = len(CASES) + len(ODD_CLOCKS)
    first, second = rows[place : place + 2]
    assert first.dedup_key == second.dedup_key
    assert (first.needs_history, second.needs_history) == (False, True)
    assert first.event["client_time"] == second.event["client_time"]
    assert first.event["event_time"] == second.event["event_time"]


def test_ids_of_different_sites_never_share_a_key(rows: list[Row]) -> None:
    keys = [row.dedup_key for row in rows[-len(SAME_EVENT_IDS) :]]
    assert len(set(keys)) == 4
    assert keys[3] == keys[4] == keys[5]


def test_a_row_keeps_its_kafka_coordinates(rows: list[Row]) -> None:
    coordinates = [(row.topic, row.partition, row.offset) for row in rows]
    assert coordinates == [("t", 0, 41 + number) for number in range(len(rows))]
    assert [row.event["offset"] for row in rows] == [row.offset for row in rows]
