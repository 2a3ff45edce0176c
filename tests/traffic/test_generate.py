"""The simulated traffic: repeatable, valid, and shaped like traffic."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import datetime
from itertools import islice
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import crawleruseragents
import pytest
import ua_parser

from schemas.event import EVENT_FIELDS, EVENT_TYPES, REQUIRED_ALWAYS, REQUIRED_BY_TYPE
from traffic.agents import BOT_AGENTS, DEVICES, BotKind
from traffic.faults import Faults, Record
from traffic.generate import Plan, generate
from traffic.truth import Truth
from traffic.visits import Step
from traffic.world import SITES

START_MS = 1_790_000_000_000
DAY_MS = 86_400_000
HISTORY = Plan(START_MS, seed=5, history_days=3, history_events=2000)
LIVE = Plan(START_MS, seed=5, rate=20, live_events=2000)
FAULTY = replace(
    HISTORY,
    live_events=1000,
    faults=Faults(bots=0.2, late=0.05, duplicates=0.1, invalid=0.1),
)


def _records(plan: Plan) -> list[Record]:
    return list(generate(plan))


def _steps(plan: Plan) -> list[Step]:
    return [record.step for record in generate(plan) if record.step and not record.is_copy]


def _events(plan: Plan) -> list[dict[str, Any]]:
    return [step.event for step in _steps(plan)]


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
    times = [record.event_ms for record in generate(HISTORY)]
    assert len(times) == 2000
    assert times == sorted(times)
    assert times[0] >= START_MS - 3 * DAY_MS
    assert times[-1] <= START_MS


def test_live_events_keep_the_rate() -> None:
    records = list(generate(LIVE))
    assert [record.at_ms for record in records] == [START_MS + 50 * n for n in range(2000)]
    assert all(record.event_ms == record.at_ms for record in records)


def test_traffic_without_end_goes_on() -> None:
    endless = generate(replace(LIVE, live_events=None))
    assert len(list(islice(endless, 5000))) == 5000


def test_history_is_followed_by_live_traffic_of_partly_the_same_people() -> None:
    records = _records(replace(HISTORY, visitors=100, live_events=500, rate=1))
    before = {record.key() for record in records if record.at_ms < START_MS}
    after = {record.key() for record in records if record.at_ms >= START_MS}
    assert before & after


def test_a_time_is_written_in_the_trackers_way() -> None:
    stamps = [
        (record.event_ms, record.step.event["event_timestamp"])
        for record in generate(HISTORY)
        if record.step
    ]
    texts = [(at_ms, stamp) for at_ms, stamp in stamps if isinstance(stamp, str)]
    assert 0 < len(texts) < len(stamps) / 3
    assert all(datetime.fromisoformat(text).timestamp() * 1000 == at_ms for at_ms, text in texts)
    offsets = {datetime.fromisoformat(text).utcoffset() for _, text in texts}
    assert len(offsets) >= 5


@pytest.mark.parametrize("plan", [HISTORY, LIVE])
def test_one_visit_is_one_session(plan: Plan) -> None:
    visits = {event["session_id"] for event in _events(plan)}
    assert _count(_records(plan))["sessions"]["sessions"] == len(visits)


def test_a_visit_sticks_to_one_visitor_and_device() -> None:
    by_visit = defaultdict(set)
    for step in _steps(LIVE):
        event = step.event
        who = (step.visitor.visitor_id, event["user_agent"], event["ip_address"])
        by_visit[event["session_id"]].add(who)
    assert all(len(who) == 1 for who in by_visit.values())


def test_popular_pages_are_far_ahead() -> None:
    views = _count(_records(HISTORY))["pages"]
    ordered = [page["page_views"] for page in views.values()]
    assert len(ordered) >= 25
    assert ordered[0] > 5 * ordered[len(ordered) // 2]


def test_more_come_by_day_than_by_night() -> None:
    hours = Counter(record.event_ms % DAY_MS // 3_600_000 for record in generate(HISTORY))
    assert sum(hours[hour] for hour in range(13, 20)) > 3 * sum(hours[hour] for hour in range(1, 8))


def test_sites_have_visitors_of_their_own_and_the_first_has_most() -> None:
    visitors = defaultdict(set)
    hosts = defaultdict(set)
    for step in _steps(replace(HISTORY, sites=3)):
        visitors[step.event["site_id"]].add(step.visitor.visitor_id)
        hosts[step.event["site_id"]].add(urlsplit(step.event["page_url"]).hostname)
    sizes = [len(visitors[site.site_id]) for site in SITES[:3]]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set.union(*visitors.values())) == sum(sizes)
    assert [len(names) for names in hosts.values()] == [1, 1, 1]


def test_some_are_known_by_a_user_id_only() -> None:
    only = [event for event in _events(HISTORY) if "anonymous_id" not in event]
    assert 0 < len(only) < 200
    assert all(event["user_id"] for event in only)


def test_vitals_are_plausible() -> None:
    views = [event for event in _events(HISTORY) if event["event_type"] == "page_view"]
    for event in views:
        assert event["ttfb_ms"] < event["dom_interactive_ms"] < event["load_time_ms"]
        assert event["ttfb_ms"] < event["fcp_ms"] < event["lcp_ms"]
        assert 0 <= event["cls"] < 1
    assert 60 < median(event["inp_ms"] for event in views) < 200


def test_every_device_and_bot_is_what_it_is_said_to_be() -> None:
    for device in DEVICES:
        assert not crawleruseragents.is_crawler(device.agent)
        parsed = ua_parser.parse(device.agent)
        assert parsed.user_agent and parsed.os
        assert device.browser in parsed.user_agent.family
        assert device.os in (parsed.os.family, {"Mac OS X": "macOS"}.get(parsed.os.family))
    agents = [agent for agents in BOT_AGENTS.values() for agent in agents]
    assert all(crawleruseragents.is_crawler(agent) for agent in agents if agent)


def test_live_scripted_bots_keep_their_pace_and_are_not_cut_short() -> None:
    plan = replace(LIVE, live_events=12_000, faults=Faults(bots=0.2))
    visits = defaultdict(list)
    for record in generate(plan):
        if record.step and record.step.visitor.bot is BotKind.SCRIPTED:
            visits[record.step.event["session_id"]].append(record.event_ms)
    assert visits
    for times in visits.values():
        gaps = [after - before for before, after in zip(times, times[1:], strict=False)]
        assert len(times) >= 40
        assert median(gaps) <= 500
