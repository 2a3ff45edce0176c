"""Verdicts of behaviour: from a closed session back onto its events, and off again."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.bots import BotReason
from schemas.gold import GOLD_TABLES, PAGES
from streaming.flows.gold import GOLD_DETAILS, GOLD_EVENTS, GOLD_SESSIONS
from streaming.flows.sessions import SESSIONS
from streaming.flows.silver import SILVER
from streaming.flows.verdicts import VERDICTS
from streaming.gold import aggregate_partials
from tests.streaming.conftest import MakeLake
from tests.streaming.lake import Lake, read_metrics
from tests.streaming.records import Record, at, make_event, make_record

AFTER_SILVER = (SESSIONS, VERDICTS, GOLD_EVENTS, GOLD_DETAILS, GOLD_SESSIONS)
AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36"
)
PAGES_SEEN = 45


def _visit(visitor: str, step_s: float, **fields: Any) -> list[Record]:
    return [
        make_record(
            make_event(
                f"{visitor}/{number}",
                at(number * step_s),
                anonymous_id=visitor,
                page_url=f"https://shop.example/{number}",
                user_agent=AGENT,
                **fields,
            )
        )
        for number in range(PAGES_SEEN)
    ]


@pytest.fixture
def lake(make_lake: MakeLake) -> Lake:
    """Someone who reads, and a script in a browser's clothes; all sessions are closed."""
    lake = make_lake()
    records = [*_visit("reader", 20), *_visit("script", 0.2)]
    lake.feed(sorted(records, key=lambda record: record.arrival))
    lake.run(SILVER)
    lake.beat(at(10_000))
    lake.run(SESSIONS)
    return lake


def _verdicts(lake: Lake, table: str = "silver.events") -> dict[str, set[str | None]]:
    found: dict[str, set[str | None]] = {}
    for row in lake.rows(table):
        assert row["is_bot"] == (row["bot_reason"] is not None)
        found.setdefault(row["visitor_id"], set()).add(row["bot_reason"])
    return found


def _require_gold_follows(lake: Lake) -> None:
    for table in GOLD_TABLES:
        again = aggregate_partials(lake.read(table.source), table)
        assert lake.metrics(table) == read_metrics(again, table)


def _people_and_bots(lake: Lake) -> tuple[int, int]:
    views = {True: 0, False: 0}
    for row in lake.metrics(PAGES):
        views[row["is_bot"]] += row["page_views"]
    return views[False], views[True]


def test_a_verdict_reaches_the_events_and_their_metrics(lake: Lake) -> None:
    lake.run(GOLD_EVENTS)
    assert _people_and_bots(lake) == (2 * PAGES_SEEN, 0)
    assert _verdicts(lake, "silver.sessions") == {
        "reader": {None},
        "script": {BotReason.BEHAVIOUR_NO_THINK_TIME},
    }
    lake.run(*AFTER_SILVER)
    assert _verdicts(lake) == _verdicts(lake, "silver.sessions")
    assert _people_and_bots(lake) == (PAGES_SEEN, PAGES_SEEN)
    _require_gold_follows(lake)


def test_it_is_taken_back_when_late_events_say_otherwise(lake: Lake) -> None:
    lake.run(*AFTER_SILVER)
    # The rest of the visit comes late: whoever clicks is no script.
    clicks = [
        make_record(
            make_event(
                f"click/{number}",
                at(number),
                event_type="click",
                anonymous_id="script",
                user_agent=AGENT,
            ),
            at(11_000),
        )
        for number in range(3)
    ]
    lake.feed(clicks)
    lake.run(SILVER, *AFTER_SILVER)
    lake.beat(at(20_000))
    lake.run(*AFTER_SILVER)
    assert _verdicts(lake) == {"reader": {None}, "script": {None}}
    assert _people_and_bots(lake) == (2 * PAGES_SEEN, 0)
    _require_gold_follows(lake)


def test_a_batch_done_twice_changes_nothing(lake: Lake) -> None:
    lake.run_until_killed(VERDICTS, "merge", "silver.events")
    before = lake.rows("silver.events")
    lake.run(VERDICTS)
    lake.forget_last_batch(VERDICTS)
    lake.run(VERDICTS)
    assert lake.rows("silver.events") == before
    assert _verdicts(lake)["script"] == {BotReason.BEHAVIOUR_NO_THINK_TIME}


def test_sessions_do_not_follow_their_own_verdict(lake: Lake) -> None:
    lake.run(VERDICTS)
    before = lake.rows("silver.sessions")
    version = lake.read("silver.sessions").inputFiles()
    lake.run(SESSIONS)
    assert lake.rows("silver.sessions") == before
    assert lake.read("silver.sessions").inputFiles() == version
