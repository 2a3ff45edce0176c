"""The real log, from `send` to HTTP, against a count that shares no code with the product."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.app import App
from tests.reference.access_log_reference import REAL_LOG, Reference, count

RANGE = {"start": "2015-05-17", "end": "2015-05-22", "include_bots": "true"}

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not REAL_LOG.exists(), reason=f"the sample log is not at {REAL_LOG}"),
]


def test_totals_equal_the_count_and_do_not_change_when_it_is_sent_again(
    tmp_path: Path, kafka_broker: str
) -> None:
    expected = count(REAL_LOG)
    app = App(tmp_path, kafka_broker, "access_log")
    lines = REAL_LOG.read_bytes().splitlines(keepends=True)

    # In two halves, with a restart in between: the second drain starts from the checkpoints.
    for number, half in enumerate((lines[:5000], lines[5000:])):
        file = tmp_path / f"half{number}.log"
        file.write_bytes(b"".join(half))
        app.send(file, "combined")
        app.drain()
    with app.serve() as get:
        assert_equal(get, expected)
    ledger = app.run("status", "--json")["ledger"]
    assert ledger["balanced"]
    assert ledger["dead_letters"] == 1
    assert ledger["duplicates"] == 0

    # Again, shuffled: every event is a copy now, and the line that is cut a second dead letter.
    shuffled = tmp_path / "shuffled.log"
    random.Random(1).shuffle(lines)
    shuffled.write_bytes(b"".join(lines))
    app.send(shuffled, "combined")
    app.drain()
    with app.serve() as get:
        assert_equal(get, expected)
    status = app.run("status", "--json")
    assert status["caught_up"]
    assert status["ledger"] == {
        "records": 2 * ledger["records"],
        "bronze": 2 * ledger["records"],
        "silver": ledger["silver"],
        "dead_letters": 2,
        "duplicates": ledger["silver"],
        "erased": 0,
        "balanced": True,
    }


def assert_equal(get: Callable[..., Any], expected: Reference) -> None:
    """What the API answers is what the count says: counts exactly, uniques within one."""
    pages = get("/pages", limit=10000, **RANGE)["data"]
    assert {page["page_path"] for page in pages} == set(expected.pages)
    for page in pages:
        truth = expected.pages[page["page_path"]]
        assert page["page_views"] == truth.page_views
        assert abs(page["unique_visitors"] - truth.unique_visitors) <= 1
        assert (page["entries"], page["exits"]) == (truth.entries, truth.exits)
        assert page["bounce_rate"] == pytest.approx(truth.bounce_rate)
    (sessions,) = get("/sessions", **RANGE)["data"]
    truth_sessions = expected.sessions
    assert sessions["sessions"] == truth_sessions.sessions
    assert sessions["engaged_sessions"] == truth_sessions.engaged_sessions
    assert sessions["bounces"] == truth_sessions.bounces
    assert sessions["bounce_rate"] == pytest.approx(truth_sessions.bounce_rate)
    assert sessions["avg_duration_s"] == pytest.approx(truth_sessions.avg_duration_s)
    assert sessions["pages_per_session"] == pytest.approx(truth_sessions.pages_per_session)
    uniques = len(truth_sessions.visitors)
    assert sessions["unique_visitors"] == pytest.approx(uniques, rel=0.02)
