"""The comparison of tests/e2e (truth.py, lines.py): silent where all is right, and only there."""

from __future__ import annotations

import copy
import json
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from tests.e2e import truth as comparison
from tests.e2e.lines import find_sending, shuffle_lines, split_lines
from tests.traffic.recount import recount
from traffic.faults import ALL_FAULTS
from traffic.generate import Plan, generate
from traffic.truth import Truth

START_MS = 1_790_000_000_000
PLAN = Plan(START_MS, 3, 300, history_days=4, history_events=2500, faults=ALL_FAULTS, sites=2)
Answers = dict[str, list[dict[str, Any]]]


@cache
def _known() -> dict[str, Any]:
    truth = Truth(PLAN.seed, PLAN.start_ms, has_details=True)
    for record in generate(PLAN):
        truth.count(record)
    report: dict[str, Any] = json.loads(json.dumps(truth.report()))
    return report


def _answer(numbers: dict[str, Any]) -> Answers:
    """What a right API says of one population."""
    sessions = numbers["sessions"]
    summary = sessions | {
        "unique_visitors": numbers["unique_visitors"],
        "avg_duration_s": sessions["duration_sum_s"] / sessions["sessions"],
    }
    days = [
        {"bucket": f"{day}T00:00:00Z", **known["sessions"]}
        for day, known in numbers["days"].items()
    ]
    return {
        "/pages": [{"page_path": path, **page} for path, page in numbers["pages"].items()],
        "/sessions": [summary],
        "/sessions by day": days,
        "/traffic-sources": copy.deepcopy(numbers["sources"]),
        "/devices": copy.deepcopy(numbers["devices"]),
    }


def _getter(answers: Answers) -> Callable[..., Any]:
    def get(path: str, **parameters: str) -> dict[str, Any]:
        assert parameters["start"] == "2026-01-01"
        assert parameters["include_bots"] in ("true", "false")
        suffix = " by day" if parameters.get("interval") == "day" else ""
        return {"data": answers[path + suffix]}

    return get


COMPARISONS: dict[str, Callable[..., list[str]]] = {
    "/pages": comparison.compare_pages,
    "/sessions": comparison.compare_sessions,
    "/traffic-sources": comparison.compare_sources,
}


def _differences(path: str, answers: Answers) -> list[str]:
    get, truth = _getter(answers), _known()
    if path == "/devices":
        return comparison.compare_devices(get, truth, start="2026-01-01")
    if path == "/sessions by day":
        return comparison.compare_days(
            get, truth, "without_bots", {"2026-09-21"}, start="2026-01-01"
        )
    return COMPARISONS[path](get, truth, "without_bots", start="2026-01-01")


ENDPOINTS = ("/pages", "/sessions", "/sessions by day", "/traffic-sources", "/devices")


@pytest.mark.parametrize("path", ENDPOINTS)
def test_right_answers_pass(path: str) -> None:
    answers = _answer(_known()["populations"]["without_bots"]["total"])
    assert answers[path]
    assert _differences(path, answers) == []


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_wrong_number_a_missing_and_a_strange_row_are_found(path: str) -> None:
    right = _answer(_known()["populations"]["without_bots"]["total"])
    name = "page_views" if path == "/pages" else "sessions"
    wrong = copy.deepcopy(right)
    wrong[path][0][name] += 1
    assert len(_differences(path, wrong)) == 1
    if path != "/sessions":
        assert _differences(path, right | {path: right[path][1:]})
        renamed = copy.deepcopy(right)
        key = next(iter(renamed[path][0]))
        renamed[path][0][key] = "2020-01-01"
        assert len(_differences(path, renamed)) >= 2


def test_sites_are_asked_for_by_name() -> None:
    known = _known()["populations"]["all"]["sites"]["roastery"]
    get = _getter(_answer(known))
    site = {"site": "roastery", "start": "2026-01-01"}
    assert comparison.compare_sessions(get, _known(), "all", **site) == []
    assert comparison.compare_sessions(get, _known(), "all", start="2026-01-01")


def test_the_ledger() -> None:
    truth = _known()
    ledger = {
        "records": truth["records"],
        "bronze": truth["records"],
        "silver": truth["events"],
        "dead_letters": truth["invalid"],
        "duplicates": truth["duplicates"],
        "erased": 0,
        "balanced": True,
    }
    assert comparison.compare_ledger({"ledger": ledger}, truth) == []
    assert comparison.compare_ledger({"ledger": ledger | {"silver": 1}}, truth)


def test_dead_letters() -> None:
    reasons = _known()["invalid_by_reason"]
    rows = [{"reason": reason} for reason, count in reasons.items() for _ in range(count)]
    assert comparison.compare_dead_letters(rows, _known()) == []
    assert comparison.compare_dead_letters(rows[1:], _known())
    assert comparison.compare_dead_letters([*rows, {"reason": "new"}], _known())


def _silver_rows() -> list[dict[str, Any]]:
    lines = [line for record in generate(PLAN) if (line := record.encode())]
    events = recount(lines, datetime.fromtimestamp(START_MS / 1000, UTC)).events
    return [e | {"visitor_id": _visitor(e), "pii_flags": []} for e in events]


def _visitor(event: dict[str, Any]) -> str | None:
    visitor: str = event["visitor_id"]
    return visitor if event.get("consent_analytics", True) else None


def test_rows_of_silver() -> None:
    rows = _silver_rows()
    assert comparison.compare_events(rows, _known()) == []
    assert len(comparison.compare_events(rows[1:], _known())) >= 1
    assert comparison.compare_events(rows, _known(), "without_bots")


def test_personal_data() -> None:
    rows = _silver_rows()
    planted = _known()["pii"]["planted"]
    left = comparison.compare_personal_data(rows, _known())
    assert sum("still in" in line for line in left) == len(planted)
    by_event = {(row["site_id"], row["event_id"]): row for row in rows}
    for place in planted:
        row = by_event[place["site_id"], place["event_id"]]
        text = json.dumps(row[place["field"]]).replace(place["secret"], f"[{place['kind']}]")
        row[place["field"]] = json.loads(text)
        row["pii_flags"] = [place["kind"]]
    assert comparison.compare_personal_data(rows, _known()) == []
    assert comparison.compare_personal_data(rows[1000:], _known())


def test_percentiles_may_be_a_rank_off_but_not_more() -> None:
    rows = []
    for metric, known in _known()["performance"].items():
        values = {name: bound["least"] for name, bound in known.items() if name != "samples"}
        rows.append({"metric": metric, "samples": known["samples"], **values})
    assert comparison.compare_performance(rows, _known()) == []
    rows[0]["p50"] -= 50
    rows[1]["samples"] += 1
    assert len(comparison.compare_performance(rows, _known())) == 2


def _lines() -> list[bytes]:
    return [line for r in generate(PLAN) if (line := r.encode()) and line.strip()]


def _sendings(lines: list[bytes]) -> list[object]:
    return [sending for line in lines if (sending := find_sending(line))]


def test_shuffling_keeps_together_what_was_sent_at_once() -> None:
    lines = _lines()
    shuffled = shuffle_lines(lines, 1)
    assert sorted(shuffled) == sorted(lines)
    assert shuffled != lines
    assert shuffled == shuffle_lines(lines, 1)
    places = defaultdict(list)
    for place, line in enumerate(shuffled):
        if sending := find_sending(line):
            places[sending].append(place)
    assert any(len(found) > 1 for found in places.values())
    for found in places.values():
        assert found == list(range(found[0], found[0] + len(found)))
        order = [lines.index(shuffled[place]) for place in found]
        assert order == sorted(order)


def test_parts_are_even_and_tear_nothing_apart() -> None:
    lines = _lines()
    parts = split_lines(lines, 4)
    assert sorted(line for part in parts for line in part) == sorted(lines)
    assert all(abs(len(part) - len(lines) / 4) < 100 for part in parts)
    sendings = [set(_sendings(part)) for part in parts]
    assert sum(map(len, sendings)) == len(set().union(*sendings)) > 0
