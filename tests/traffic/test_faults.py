"""Faults: as many as asked for, of every kind, and each what its record says."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import astuple, fields, replace
from datetime import timedelta
from functools import cache
from itertools import groupby
from typing import Any

import pytest

from schemas.reject import RejectReason
from tests.traffic.recount import Rejected, read_event, read_time
from traffic.agents import BotKind
from traffic.faults import ALL_FAULTS, Faults, Record
from traffic.generate import Plan, generate
from traffic.malformed import SPOILED
from traffic.truth import Truth

START_MS = 1_790_000_000_000
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
EVENTS = 6000
FAULTY = Plan(
    START_MS,
    seed=5,
    visitors=900,
    history_days=6,
    history_events=EVENTS,
    faults=replace(ALL_FAULTS, late=0.05, duplicates=0.1, invalid=0.1, pii=0.05),
    sites=2,
)
LIVE = replace(FAULTY, history_days=0, history_events=0, live_events=EVENTS)
NO_RECORD = {RejectReason.TOMBSTONE, RejectReason.EMPTY}  # NDJSON has no line for these


@cache
def _records(plan: Plan) -> list[Record]:
    return list(generate(plan))


def _count(plan: Plan) -> dict[str, Any]:
    truth = Truth(1, START_MS, has_details=True)
    for record in _records(plan):
        truth.count(record)
    return truth.report()


@pytest.mark.parametrize("plan", [FAULTY, LIVE])
def test_shares_are_kept(plan: Plan) -> None:
    truth, faults = _count(plan), plan.faults
    assert truth["events"] == EVENTS
    assert truth["late"] / EVENTS == pytest.approx(faults.late, abs=0.012)
    assert truth["out_of_order"] / EVENTS == pytest.approx(faults.late, abs=0.012)
    assert truth["duplicates"] / EVENTS == pytest.approx(faults.duplicates, abs=0.015)
    assert truth["conflicts"] / truth["duplicates"] == pytest.approx(0.1, abs=0.04)
    assert truth["invalid"] / EVENTS == pytest.approx(faults.invalid, abs=0.015)
    assert truth["pii"]["events"] / EVENTS == pytest.approx(faults.pii, abs=0.012)
    visitors = [record.step.visitor for record in _records(plan) if record.step]
    ordinary = {v.visitor_id: v for v in visitors if not v.skew_ms and v.bot != BotKind.SCRIPTED}
    bots = sum(visitor.bot is not None for visitor in ordinary.values())
    refusing = sum(not visitor.has_consent for visitor in ordinary.values())
    assert bots / len(ordinary) == pytest.approx(faults.bots, abs=0.03)
    assert refusing / len(ordinary) == pytest.approx(
        faults.no_consent * (1 - faults.bots), abs=0.03
    )


def test_bots_of_every_kind_come() -> None:
    assert set(_count(FAULTY)["bots"]["events_by_kind"]) == set(BotKind)


def test_the_share_of_visits_by_wrong_clocks_is_kept() -> None:
    visits = {
        record.step.event["session_id"]: record.step.visitor.skew_ms != 0
        for record in _records(FAULTY)
        if record.step
    }
    assert sum(visits.values()) / len(visits) == pytest.approx(0.03, abs=0.012)


@pytest.mark.parametrize("fault", [field.name for field in fields(Faults)])
def test_a_fault_alone_brings_no_other(fault: str) -> None:
    plan = replace(FAULTY, faults=replace(Faults(), **{fault: 0.2}))
    truth = _count(plan)
    counts = {
        "bots": truth["bots"]["events"],
        "late": truth["late"],
        "duplicates": truth["duplicates"],
        "invalid": truth["invalid"],
        "pii": truth["pii"]["events"],
        "no_consent": truth["no_consent"],
        "wrong_clocks": truth["wrong_clocks"].get("events", 0),
    }
    assert {name for name, count in counts.items() if count} == {fault}
    assert list(counts) == [field.name for field in fields(Faults)]


def test_all_faults_has_some_of_each() -> None:
    assert all(0 < share <= 0.1 for share in astuple(ALL_FAULTS))


@pytest.mark.parametrize("plan", [FAULTY, LIVE])
def test_records_are_in_the_order_of_sending(plan: Plan) -> None:
    times = [record.at_ms for record in _records(plan)]
    assert times == sorted(times)
    if plan.history_days:
        assert times[-1] <= START_MS


@pytest.mark.parametrize("plan", [FAULTY, LIVE])
def test_late_events_are_hours_to_days_old_when_they_are_sent(plan: Plan) -> None:
    delays = [r.at_ms - r.event_ms for r in _records(plan) if r.is_late and not r.is_copy]
    assert min(delays) >= HOUR_MS
    assert DAY_MS < max(delays) <= 3 * DAY_MS


def test_late_events_of_a_history_belong_to_their_visits() -> None:
    late = [r.step for r in _records(FAULTY) if r.is_late and r.step]
    visits = Counter(r.step.event["session_id"] for r in _records(FAULTY) if r.step)
    assert sum(visits[step.event["session_id"]] > 1 for step in late) > len(late) / 2


def test_copies_come_at_once_soon_and_much_later() -> None:
    first: dict[tuple[str, str], int] = {}
    delays = []
    for record in _records(FAULTY):
        if record.step:
            identity = record.step.event["site_id"], record.step.event["event_id"]
            if record.is_copy:
                delays.append(record.at_ms - first[identity])
            else:
                assert identity not in first
                first[identity] = record.at_ms
    assert delays.count(0) > len(delays) / 3
    assert sum(0 < delay <= 30_000 for delay in delays) > len(delays) / 10
    assert sum(delay > HOUR_MS for delay in delays) > len(delays) / 10


def test_a_conflict_has_the_same_id_and_time_but_another_body() -> None:
    conflicts = [record for record in _records(FAULTY) if record.is_conflict]
    assert conflicts
    for record in conflicts:
        assert record.step
        assert isinstance(record.content, dict)
        event, body = record.step.event, record.content
        assert {name for name in body if body[name] != event.get(name)} == {"page_title", "retry"}


def test_sites_may_use_the_same_id() -> None:
    ids = Counter(r.step.event["event_id"] for r in _records(FAULTY) if r.step and not r.is_copy)
    assert max(ids.values()) == 2


def test_a_wrong_clock_sends_its_only_visit_at_once_and_is_known_by_differences() -> None:
    groups = [
        list(group)
        for skew, group in groupby(
            (r for r in _records(FAULTY) if r.step), key=lambda r: r.step.visitor.skew_ms
        )
        if skew
    ]
    visits = [group for group in groups if group[0].step.visitor.has_sent_time]
    assert visits
    for group in visits:
        assert len({record.at_ms for record in group}) == 1
        sent = {record.step.event["sent_timestamp"] for record in group}
        assert len(sent) == 1
        for record in group:
            event = record.step.event
            age = read_time(event["sent_timestamp"]) - read_time(event["event_timestamp"])
            assert age == timedelta(milliseconds=record.at_ms - record.event_ms)
    visitors = Counter(group[0].step.visitor.visitor_id for group in groups)
    assert set(visitors.values()) == {1}
    ahead = [group[0] for group in groups if not group[0].step.visitor.has_sent_time]
    assert ahead
    for record in ahead:
        is_far = read_time(record.step.event["event_timestamp"]).timestamp() * 1000
        assert is_far > record.at_ms + 365 * DAY_MS


def test_every_reason_occurs_in_a_few_records() -> None:
    plan = replace(FAULTY, history_events=300)
    assert set(_count(plan)["invalid_by_reason"]) == {str(reason) for reason in RejectReason}


@pytest.mark.parametrize("reason", [reason for reason in RejectReason if reason not in NO_RECORD])
def test_each_way_to_spoil_an_event_has_its_reason(reason: RejectReason) -> None:
    events = {r.step.event["event_type"]: r.step.event for r in _records(FAULTY) if r.step}
    assert len(events) == 8
    for spoil in SPOILED[reason]:
        for event in events.values():
            line = spoil(event)
            assert line is not None
            with pytest.raises(Rejected, match=f"^{reason}$"):
                read_event(line)


def test_records_without_a_line() -> None:
    assert [spoil({}) for spoil in SPOILED[RejectReason.TOMBSTONE]] == [None]
    assert all(spoil({}) is not None for spoil in SPOILED[RejectReason.EMPTY])
    assert not any((spoil({}) or b"").strip() for spoil in SPOILED[RejectReason.EMPTY])


def test_every_record_but_those_is_one_line() -> None:
    for record in _records(FAULTY):
        line = record.encode()
        if record.reason not in NO_RECORD:
            assert line is not None
            assert line.strip()
            assert b"\n" not in line


def test_personal_data_is_where_the_truth_says() -> None:
    planted = _count(FAULTY)["pii"]["planted"]
    events = {
        (r.step.event["site_id"], r.step.event["event_id"]): r.step.event
        for r in _records(FAULTY)
        if r.step
    }
    assert {place["kind"] for place in planted} == {"email", "phone", "card", "secret"}
    fields_used = {place["field"] for place in planted}
    assert fields_used == {"page_url", "page_title", "referrer", "properties", "element_text"}
    for place in planted:
        value = events[place["site_id"], place["event_id"]][place["field"]]
        text = value if isinstance(value, str) else json.dumps(value)
        assert place["secret"] in text
        if place["redacted"] is not None:
            assert place["redacted"] == text.replace(place["secret"], f"[{place['kind']}]")


def test_planted_cards_pass_the_check() -> None:
    cards = [p["secret"] for p in _count(FAULTY)["pii"]["planted"] if p["kind"] == "card"]
    assert cards
    for card in cards:
        digits = [int(digit) for digit in card.replace("%20", "").replace(" ", "")]
        doubled = [sum(divmod(2 * digit, 10)) for digit in digits[::2]]
        assert len(digits) == 16
        assert (sum(doubled) + sum(digits[1::2])) % 10 == 0
