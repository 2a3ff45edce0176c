"""The truth against a count of the emitted lines that shares no code with it."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from tests.streaming.reference_sessions import find_sessions
from tests.traffic.recount import Event, Recount, count_sessions, recount, select
from traffic.faults import ALL_FAULTS
from traffic.generate import Plan, generate
from traffic.origins import ORIGINS
from traffic.truth import POPULATIONS, Truth

START_MS = 1_790_000_000_000
PLAN = Plan(
    START_MS,
    seed=11,
    visitors=900,
    history_days=9,
    history_events=9000,
    live_events=1500,
    rate=100,
    faults=ALL_FAULTS,
    sites=3,
)
SITES = (None, "default", "roastery", "cafe")
SELECTIONS = [(population, site) for population in POPULATIONS for site in SITES]


@cache
def known() -> dict[str, Any]:
    truth = Truth(PLAN.seed, PLAN.start_ms, has_details=True)
    for record in generate(PLAN):
        if record.encode():
            truth.count(record)
    report: dict[str, Any] = json.loads(json.dumps(truth.report()))
    return report


@cache
def counted() -> Recount:
    lines = [line for record in generate(PLAN) if (line := record.encode())]
    return recount((line for line in lines if line.strip()), _end())


def _end() -> datetime:
    return datetime.fromtimestamp(START_MS / 1000 + PLAN.live_events / PLAN.rate, UTC)


def _truth(population: str, site: str | None) -> dict[str, Any]:
    numbers = known()["populations"][population]
    found: dict[str, Any] = numbers["total"] if site is None else numbers["sites"][site]
    return found


def _events(population: str, site: str | None) -> list[Event]:
    return list(select(counted().events, population, site))


def test_records_are_events_copies_or_invalid() -> None:
    truth = known()
    assert truth["events"] == len(counted().events) == 10_500
    assert truth["duplicates"] == counted().duplicates
    assert truth["conflicts"] == counted().conflicts > 0
    reasons = Counter(truth["invalid_by_reason"])
    reasons.pop("empty")  # a blank line is no record
    assert reasons == counted().invalid
    assert truth["records"] == truth["events"] + truth["duplicates"] + truth["invalid"]


@pytest.mark.parametrize(("population", "site"), SELECTIONS)
def test_events(population: str, site: str | None) -> None:
    truth, events = _truth(population, site), _events(population, site)
    views = [event for event in events if event["event_type"] == "page_view"]
    assert truth["events"] == len(events)
    assert truth["events_by_type"] == Counter(event["event_type"] for event in events)
    assert truth["page_views"] == len(views)
    sales = [event for event in events if event["is_conversion"]]
    assert truth["conversions"] == len(sales)
    money: Counter[str] = Counter()
    for sale in sales:
        money[sale.get("currency", "USD")] += round(sale["value"] * 100)
    assert truth["revenue_by_currency"] == {name: cents / 100 for name, cents in money.items()}
    assert truth["unique_visitors"] == len(_visitors(events))


@pytest.mark.parametrize(("population", "site"), SELECTIONS)
def test_sessions(population: str, site: str | None) -> None:
    expected = count_sessions(_events(population, site))
    truth = _truth(population, site)["sessions"]
    assert {name: truth[name] for name in expected} == pytest.approx(expected, abs=1e-4)
    assert truth["bounce_rate"] == truth["bounces"] / truth["sessions"]


@pytest.mark.parametrize(("population", "site"), SELECTIONS)
def test_pages(population: str, site: str | None) -> None:
    events = _events(population, site)
    expected: defaultdict[str, Counter[str]] = defaultdict(Counter)
    visitors = defaultdict(set)
    for event in events:
        if event["event_type"] == "page_view":
            expected[event["page_path"]]["page_views"] += 1
            if event.get("consent_analytics", True):
                visitors[event["page_path"]].add(event["visitor_id"])
    for session in find_sessions(_consenting(events)):
        if session["entry_page"]:
            expected[session["entry_page"]]["entries"] += 1
            expected[session["entry_page"]]["bounces"] += session["is_bounce"]
            expected[session["exit_page"]]["exits"] += 1
    pages = _truth(population, site)["pages"]
    assert set(pages) == set(expected)
    for path, page in pages.items():
        numbers = expected[path]
        assert page == {
            "page_views": numbers["page_views"],
            "unique_visitors": len(visitors[path]),
            "entries": numbers["entries"],
            "exits": numbers["exits"],
            "bounce_rate": numbers["bounces"] / numbers["entries"] if numbers["entries"] else None,
        }


@pytest.mark.parametrize("population", POPULATIONS)
def test_sources(population: str) -> None:
    """The truth names sources as they must be understood; here they are compared as sent."""
    as_sent = {
        (origin.source, origin.medium, origin.campaign): _read_origin(
            origin.referrer, origin.query, origin.campaign
        )
        for origin in ORIGINS
    }
    truth: Counter[tuple[str, str | None]] = Counter()
    for row in _truth(population, None)["sources"]:
        truth[as_sent[row["source"], row["medium"], row["campaign"]]] += row["sessions"]
    sessions = find_sessions(_consenting(_events(population, None)))
    assert truth == Counter((session["source"], session["campaign"]) for session in sessions)


def _read_origin(referrer: str | None, query: str, campaign: str | None) -> tuple[str, str | None]:
    if "utm_source=" in query:
        return query.partition("utm_source=")[2].partition("&")[0], campaign
    return referrer.split("/")[2] if referrer else "(direct)", campaign


@pytest.mark.parametrize("population", POPULATIONS)
def test_days(population: str) -> None:
    events = [event for event in _events(population, None) if event["is_dated"]]
    days = _truth(population, None)["days"]
    by_day = defaultdict(list)
    for event in events:
        by_day[event["event_time"].date().isoformat()].append(event)
    assert {day for day, numbers in days.items() if numbers["events"]} == set(by_day)
    for day, acts in by_day.items():
        views = sum(act["event_type"] == "page_view" for act in acts)
        numbers = (days[day]["events"], days[day]["page_views"], days[day]["active_visitors"])
        assert numbers == (len(acts), views, len(_visitors(acts)))
    sessions = find_sessions(_consenting(events))
    starts = Counter(session["session_date"].isoformat() for session in sessions)
    known_starts = {day: numbers["sessions"]["sessions"] for day, numbers in days.items()}
    assert Counter(known_starts) == starts
    visitors = {(s["session_date"].isoformat(), s["visitor_id"]) for s in sessions}
    uniques = {day: numbers["sessions"]["unique_visitors"] for day, numbers in days.items()}
    assert Counter(uniques) == Counter(day for day, _ in visitors)


def test_wrong_clocks() -> None:
    wrong = [event for event in counted().events if not event["is_dated"]]
    assert known()["wrong_clocks"] == {
        "events": len(wrong),
        "page_views": sum(event["event_type"] == "page_view" for event in wrong),
        "unique_visitors": len(_visitors(wrong)),
    }
    # Each is one visit, so that nothing depends on when it arrives.
    assert len(find_sessions(wrong)) == len(_visitors(wrong))


def test_who_did_not_consent_has_no_session() -> None:
    refused = [e for e in counted().events if not e.get("consent_analytics", True)]
    assert known()["no_consent"] == len(refused) > 0
    population = known()["populations"]["all"]["total"]
    views = sum(event["event_type"] == "page_view" for event in refused)
    assert population["page_views"] - population["sessions"]["page_views"] == views > 0


def test_a_monitor_that_never_pauses_is_cut_at_midnights() -> None:
    by_agent = [e for e in counted().events if "UptimeRobot" in e["user_agent"]]
    assert len(find_sessions(by_agent)) >= PLAN.history_days


def test_measurements() -> None:
    loads = sorted(e["load_time_ms"] for e in counted().events if "load_time_ms" in e)
    truth = known()["performance"]["load_time_ms"]
    assert truth["samples"] == len(loads)
    assert truth["p90"]["least"] < truth["p90"]["value"] < truth["p90"]["greatest"]
    below = sum(load <= truth["p90"]["value"] for load in loads)
    assert below / len(loads) == pytest.approx(0.9, abs=0.001)


def test_all_populations_differ() -> None:
    events = [_truth(population, None)["events"] for population in POPULATIONS]
    assert events[0] > events[1] > events[2]


def _consenting(events: list[Event]) -> list[Event]:
    return [event for event in events if event.get("consent_analytics", True)]


def _visitors(events: list[Event]) -> set[tuple[str, str]]:
    return {(event["site_id"], event["visitor_id"]) for event in _consenting(events)}
