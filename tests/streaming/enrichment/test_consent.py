"""Without consent: the event stays and is counted, and nothing of it tells who it was."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from streaming.enrichment.privacy import IDENTIFYING_COLUMNS, withhold_identity

_DDL = (
    "event_id string, site_id string, page_url string, referrer string, page_path string, "
    "country string, visitor_id string, anonymous_id string, user_id string, session_id string, "
    "ip_address string, user_agent string, timezone string, screen_width int, properties string, "
    "consent_analytics boolean"
)
_EVENT: dict[str, Any] = {
    "event_id": "e1",
    "site_id": "s",
    "page_url": "https://shop.example/a%/b?gclid=abc&utm_source=x#c",
    "referrer": "https://other.example/?fbclid=abc",
    "page_path": "/a%/b",
    "country": "DE",
    "visitor_id": "v1",
    "anonymous_id": "v1",
    "user_id": "u1",
    "session_id": "c1",
    "ip_address": "192.0.2.0",
    "user_agent": "Mozilla/5.0",
    "timezone": "Europe/Berlin",
    "screen_width": 1920,
    "properties": None,
    "consent_analytics": None,
}
# Case -> (consent_analytics, properties, withheld).
_CASES: dict[str, tuple[bool | None, str | None, bool]] = {
    "nothing said": (None, None, False),
    "yes": (True, "{}", False),
    "no": (False, None, True),
    "no, and the signal off": (False, '{"dnt":0}', True),
    "dnt 1": (None, '{"dnt":1}', True),
    "dnt '1'": (None, '{"dnt":"1"}', True),
    "dnt true": (None, '{"dnt": true}', True),
    "dnt 'true'": (None, '{"dnt":"true"}', True),
    "dnt 'yes' of old browsers": (None, '{"dnt":"yes"}', True),
    "DNT": (None, '{"a":"É","DNT":"1"}', True),
    "gpc": (None, '{"gpc":true}', True),
    "global_privacy_control": (None, '{"global_privacy_control":true}', True),
    "the signal beats consent": (True, '{"gpc":1}', True),
    "dnt 0": (None, '{"dnt":0}', False),
    "dnt '0'": (None, '{"dnt":"0"}', False),
    "dnt false": (None, '{"dnt":false}', False),
    "dnt null": (None, '{"dnt":null}', False),
    "dnt unspecified": (None, '{"dnt":"unspecified"}', False),
    "dnt as an object": (None, '{"dnt":{"a":1}}', False),
    "dnt deeper down": (None, '{"a":{"dnt":1}}', False),
    "dnt in a text": (None, '{"a":"\\"dnt\\":1"}', False),
    "another name": (None, '{"dntx":1}', False),
}


def _make(spark: SparkSession, *events: dict[str, Any]) -> DataFrame:
    return spark.createDataFrame([tuple((_EVENT | event).values()) for event in events], _DDL)


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> dict[str, Row]:
    """All cases in one job."""
    events = [
        {"event_id": case, "consent_analytics": consent, "properties": properties}
        for case, (consent, properties, _) in _CASES.items()
    ]
    return {row.event_id: row for row in withhold_identity(_make(spark, *events)).collect()}


@pytest.mark.parametrize("case", _CASES)
def test_consent_is_read_from_the_event_and_from_signals(case: str, rows: dict[str, Row]) -> None:
    consent, properties, is_withheld = _CASES[case]
    row = rows[case].asDict()
    if not is_withheld:
        sent = {"event_id": case, "consent_analytics": consent, "properties": properties}
        assert row == _EVENT | sent
        return
    assert row["consent_analytics"] is False
    assert all(row[name] is None for name in IDENTIFYING_COLUMNS if name in row)


def test_without_consent_the_page_is_kept_and_the_query_is_not(rows: dict[str, Row]) -> None:
    row = rows["no"]
    assert (row.page_url, row.referrer) == ("https://shop.example/a%/b", "https://other.example/")
    assert (row.site_id, row.page_path, row.country) == ("s", "/a%/b", "DE")


def test_counts_stay_and_nobody_is_counted_as_a_visitor(spark: SparkSession) -> None:
    events = [{"event_id": f"e{n}", "consent_analytics": False} for n in range(3)]
    kept = withhold_identity(_make(spark, *events, {"event_id": "e4"}))
    [row] = kept.selectExpr(
        "count(1) AS events",
        "hll_sketch_estimate(hll_sketch_agg(visitor_id, 14)) AS visitors",
        "count(DISTINCT struct(site_id, event_id)) AS identities",
    ).collect()
    assert (row.events, row.visitors, row.identities) == (4, 1, 4)


def test_columns_keep_their_order_and_types(spark: SparkSession) -> None:
    events = _make(spark, {})
    assert withhold_identity(events).dtypes == events.dtypes
