"""The simulated traffic: repeatable, valid, and exactly what its truth says."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from schemas.event import EVENT_FIELDS, EVENT_TYPES, REQUIRED_ALWAYS, REQUIRED_BY_TYPE
from traffic.faults import Faults, Record
from traffic.generate import Plan, generate
from traffic.truth import Truth

START_MS = 1_790_000_000_000
DAY_MS = 86_400_000
HISTORY = Plan(START_MS, seed=5, history_days=3, history_events=2000)
LIVE = Plan(START_MS, seed=5, rate=20, live_events=2000)
FAULTY = replace(
    HISTORY,
    live_events=1000,
    faults=Faults(bots=0.2, late=0.05, duplicates=0.1, invalid=0.1),
)


def _events(plan: Plan) -> list[dict[str, Any]]:
    return [record.content for record in generate(plan) if isinstance(record.content, dict)]


def _count(records: list[Record]) -> dict[str, Any]:
    truth = Truth(1, START_MS, has_details=True)
    for record in records:
        truth.count(record)
    return truth.report()


def test_the_same_plan_gives_the_same_records() -> None:
    first = [record.encode() for record in generate(FAULTY)]
    assert first == [record.encode() for record in generate(FAULTY)]


@pytest.mark.parametrize(
    "other", [replace(HISTORY, seed=6), replace(HISTORY, start_ms=START_MS + 1)]
)
def test_another_seed_or_start_shares_no_event(other: Plan) -> None:
    ids = {event["event_id"] for event in _events(HISTORY)}
    others = {event["event_id"] for event in _events(other)}
    assert len(ids) == len(others) == 2000
    assert not ids & others


@pytest.mark.parametrize("plan", [HISTORY, LIVE])
def test_every_event_has_what_its_type_requires(plan: Plan) -> None:
    events = _events(plan)
    assert {event["event_type"] for event in events} == set(EVENT_TYPES)
    for event in events:
        groups = REQUIRED_ALWAYS + REQUIRED_BY_TYPE.get(event["event_type"], ())
        assert all(any(name in event for name in group) for group in groups)
        assert set(event) <= set(EVENT_FIELDS)


def test_a_history_lies_before_the_start_in_order() -> None:
    times = [event["event_timestamp"] for event in _events(HISTORY)]
    assert len(times) == 2000
    assert times == sorted(times)
    assert times[0] >= START_MS - 3 * DAY_MS
    assert times[-1] <= START_MS


def test_live_events_keep_the_rate() -> None:
    records = list(generate(LIVE))
    assert [record.at_ms for record in records] == [START_MS + 50 * n for n in range(2000)]
    assert all(
        isinstance(record.content, dict) and record.content["event_timestamp"] == record.at_ms
        for record in records
    )


def test_traffic_without_end_goes_on() -> None:
    endless = generate(replace(LIVE, live_events=None))
    assert len(list(islice(endless, 5000))) == 5000


def test_history_is_followed_by_live_traffic_of_partly_the_same_people() -> None:
    events = _events(replace(HISTORY, visitors=100, live_events=500, rate=1))
    before = {e["anonymous_id"] for e in events if e["event_timestamp"] < START_MS}
    after = {e["anonymous_id"] for e in events if e["event_timestamp"] >= START_MS}
    assert before & after


@pytest.mark.parametrize("plan", [HISTORY, LIVE])
def test_one_visit_is_one_session(plan: Plan) -> None:
    visits = {event["session_id"] for event in _events(plan)}
    assert _count(list(generate(plan)))["sessions"]["sessions"] == len(visits)


def test_a_visit_sticks_to_one_visitor_and_device() -> None:
    by_visit = defaultdict(set)
    for event in _events(LIVE):
        who = (event["anonymous_id"], event["user_agent"], event["ip_address"])
        by_visit[event["session_id"]].add(who)
    assert all(len(who) == 1 for who in by_visit.values())


def test_popular_pages_are_far_ahead() -> None:
    views = _count(list(generate(HISTORY)))["pages"]
    ordered = [page["page_views"] for page in views.values()]
    assert len(ordered) >= 25
    assert ordered[0] > 5 * ordered[len(ordered) // 2]


def test_the_truth_is_what_is_in_the_records() -> None:
    records = list(generate(FAULTY))
    truth = _count(records)
    assert truth["records"] == len(records)
    parsed = []
    for record in records:
        if record.reason is None:
            parsed.append(json.loads(record.encode()))
    unique = {event["event_id"]: event for event in parsed}
    assert truth["events"] == len(unique) == 3000
    assert truth["duplicates"] == len(parsed) - len(unique) > 0
    assert truth["invalid"] == len(records) - len(parsed) > 0
    assert len(truth["invalid_by_reason"]) == 11
    types = Counter(event["event_type"] for event in unique.values())
    assert truth["events_by_type"] == types
    assert truth["page_views"] == sum(page["page_views"] for page in truth["pages"].values())
    assert truth["unique_visitors"] == len({e["anonymous_id"] for e in unique.values()})
    values = [round(event["value"] * 100) for event in unique.values() if "value" in event]
    assert truth["conversions"] == len(values)
    assert truth["revenue"] == pytest.approx(sum(values) / 100)
    assert 0 < truth["bots"]["events"] < truth["events"]


def test_shares_of_faults_are_kept() -> None:
    truth = _count(list(generate(FAULTY)))
    assert truth["late"] / 3000 == pytest.approx(0.05, abs=0.015)
    assert truth["duplicates"] / 3000 == pytest.approx(0.1, abs=0.02)
    assert truth["invalid"] / 3000 == pytest.approx(0.1, abs=0.02)


def test_late_events_are_hours_to_days_old_when_they_are_sent() -> None:
    delays = [
        record.at_ms - record.content["event_timestamp"]
        for record in generate(FAULTY)
        if record.is_late and not record.is_copy and isinstance(record.content, dict)
    ]
    assert min(delays) >= 3_600_000
    assert max(delays) <= 3 * DAY_MS


def test_records_fit_into_ndjson() -> None:
    assert all(b"\n" not in record.encode() for record in generate(FAULTY))
    assert all(record.encode().strip() for record in generate(FAULTY))


def test_faults_are_off_unless_asked_for() -> None:
    truth = _count(list(generate(LIVE)))
    assert (truth["late"], truth["duplicates"], truth["invalid"]) == (0, 0, 0)
    assert truth["bots"]["events"] == 0
