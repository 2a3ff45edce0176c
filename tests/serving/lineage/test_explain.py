"""Numbers of the small lake, explained, against a count by hand of its rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from serving.gold_reader import GoldReader
from serving.lineage.declared import make_exact
from serving.lineage.explain import Compared, Explanation, compare, explain
from serving.lineage.number import EXPLAINED, Unexplainable, find_number
from serving.lineage.statements import count_anew
from serving.ranges import split_range
from serving.selection import Selection
from tests.serving.lake import Row, make_events, make_sessions
from tests.serving.test_answers import UNALIGNED, WHOLE, within, without_bots


def select(wanted: dict[str, str], *, include_bots: bool = False) -> Selection:
    start, end = (datetime.fromisoformat(wanted[name]) for name in ("start", "end"))
    start, end = (time if time.tzinfo else time.replace(tzinfo=UTC) for time in (start, end))
    return Selection(start, end, limit=1, offset=0, include_bots=include_bots)


def trace(
    reader: GoldReader, path: str, metric: str, wanted: dict[str, str], limit: int, **values: str
) -> Explanation:
    number = find_number(path, metric, values, select(wanted))
    return explain(reader, number, reader.read_states(), limit, lambda _: None)


def read_places(found: Explanation) -> dict[tuple[int, str], tuple[int, int, int]]:
    return {
        (place["partition"], place["rules_version"]): (
            place["events"],
            place["first_offset"],
            place["last_offset"],
        )
        for place in found.places
    }


def count_places(events: list[Row]) -> dict[tuple[int, str], tuple[int, int, int]]:
    places: dict[tuple[int, str], list[int]] = {}
    for event in events:
        key = (event["partition"], event["rules_version"])
        places.setdefault(key, []).append(event["offset"])
    return {key: (len(found), min(found), max(found)) for key, found in places.items()}


def test_a_number_of_events(reader: GoldReader) -> None:
    found = trace(reader, "/pages", "page_views", UNALIGNED, 3, page_path="/page/3")
    events = [
        event
        for event in without_bots(within(make_events(), "event_time", UNALIGNED))
        if event["event_type"] == "page_view" and event["page_path"] == "/page/3"
    ]
    assert events
    assert found.compared == Compared(*[float(len(events))] * 4)
    assert found.compared.is_equal
    assert read_places(found) == count_places(events)
    assert [row["event_id"] for row in found.events] == [e["event_id"] for e in events[:3]]
    assert (found.events[0]["topic"], found.events[0]["offset"]) == ("events", events[0]["offset"])
    assert found.has_edges
    assert found.session_count is None
    assert found.versions == {"gold.pages": 0, "silver.events": 0}
    commits = [commit for _, commit in found.partials]
    assert [(one.version, one.made_by) for one in commits if one] == [(0, "write")] * len(commits)
    assert sum(row["rows"] for row, _ in found.partials) > 0


def test_a_number_of_sessions(reader: GoldReader) -> None:
    found = trace(reader, "/sessions", "bounces", WHOLE, 2, channel="Direct")
    sessions = [
        session
        for session in without_bots(within(make_sessions(), "session_start", WHOLE))
        if session["channel"] == "Direct" and session["is_bounce"]
    ]
    events = [
        event
        for event in make_events()
        if any(
            event["site_id"] == session["site_id"]
            and event["visitor_id"] == session["visitor_id"]
            and session["session_start"] <= event["event_time"] <= session["session_end"]
            for session in sessions
        )
    ]
    assert found.compared.gold == found.compared.silver == len(sessions) == found.session_count
    assert [row["session_id"] for row in found.sessions] == [s["session_id"] for s in sessions[:2]]
    assert read_places(found) == count_places(events)
    assert not found.has_edges


NARROWED: dict[str, dict[str, str]] = {
    "/pages": {"page_path": "/page/1"},
    "/views": {"device_type": "desktop"},
    "/sessions": {"device_type": "desktop"},
    "/traffic-sources": {"source": "(direct)"},
    "/devices": {"os": "Windows"},
    "/geo": {"country": "DE"},
    "/performance": {"metric": "lcp_ms"},
    "/conversions": {"event_name": "signup"},
}


@pytest.mark.parametrize("endpoint", EXPLAINED, ids=lambda endpoint: endpoint.path)
def test_every_metric_is_the_same_from_silver(reader: GoldReader, endpoint: Any) -> None:
    states, values = reader.read_states(), NARROWED[endpoint.path]
    selection = select(UNALIGNED)
    seen = set()
    for metric in (name for name in endpoint.columns if name in endpoint.metrics):
        number = find_number(endpoint.path, metric, values, selection)
        # The metrics of one endpoint differ little: those over the same partials are one test.
        kind = make_exact(number.table, number.metric)
        if (shape := (number.table.name, kind.kind, *kind.columns)) in seen:
            continue
        seen.add(shape)
        ranges = split_range(selection.start, selection.end, datetime.now(UTC))
        gold = reader.run(number.build(ranges), states, "test")
        (silver,) = reader.run(count_anew(number, kind), states, "test")
        row = dict(zip(("number", "low", "high"), silver, strict=True))
        found = compare(number, kind, gold[0][0], row)
        assert found.silver, metric
        assert found.is_equal, (metric, found)
        # Whatever is out by more is found out.
        assert not Compared(2 * found.silver + 9, *_bounds(found)).is_equal


def _bounds(found: Compared) -> tuple[float | None, float | None, float | None]:
    return found.silver, found.low, found.high


def test_nothing_is_made_of_nothing(reader: GoldReader) -> None:
    nowhen = {"start": "2014-01-01", "end": "2014-01-02"}
    counted = trace(reader, "/pages", "page_views", nowhen, 5)
    assert (counted.compared.gold, counted.compared.silver) == (0, 0)
    assert counted.compared.is_equal
    assert (counted.places, counted.events, counted.partials) == ([], [], [])
    ratio = trace(reader, "/sessions", "bounce_rate", nowhen, 5)
    assert (ratio.compared.gold, ratio.compared.silver, ratio.session_count) == (None, None, 0)
    assert ratio.compared.is_equal


@pytest.mark.parametrize(
    ("path", "metric", "values", "said"),
    [
        ("/realtime", "page_views", {}, "/pages, /views, /sessions"),
        ("/pages", "views", {}, "page_views"),
        ("/devices", "share", {}, "ask for these"),
        ("/pages", "page_views", {"channel": "Direct"}, "page_path"),
        ("/performance", "p75", {}, "--measure"),
    ],
)
def test_what_cannot_be_explained_says_what_can(
    path: str, metric: str, values: dict[str, str], said: str
) -> None:
    with pytest.raises(Unexplainable, match=said):
        find_number(path, metric, values, select(WHOLE))
