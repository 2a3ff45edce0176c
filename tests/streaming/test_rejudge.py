"""Rules applied again: rebuilt days and replayed dead letters, with crashes and live rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from schemas.gold import GOLD_TABLES
from schemas.gold.sessions import SESSIONS as GOLD_OF_SESSIONS
from schemas.reject import RejectReason
from streaming import quality
from streaming.flows.gold import GOLD_DETAILS, GOLD_EVENTS, GOLD_SESSIONS
from streaming.flows.sessions import SESSIONS
from streaming.flows.silver import SILVER
from streaming.gold import aggregate_partials
from streaming.rejudge import place
from streaming.rejudge.commands import rebuild, replay
from streaming.rejudge.journal import read_journal
from streaming.rejudge.place import finish_pending
from streaming.rejudge.records import Days
from streaming.runtime import Runtime
from tests.streaming.conftest import MakeLake
from tests.streaming.lake import Killed, Lake, read_metrics, snapshot
from tests.streaming.records import NOON, at, make_event, make_record
from tests.streaming.reference_sessions import find_sessions
from tests.streaming.story import END, RECORDS

AFTER_SILVER = (SESSIONS, GOLD_EVENTS, GOLD_DETAILS, GOLD_SESSIONS)
ALL = (SILVER, *AFTER_SILVER)
TABLES = (
    "silver.events",
    "bronze.dead_letters",
    "silver.duplicates",
    "silver.sessions",
    *(table.name for table in GOLD_TABLES),
)
DAYS = Days(date(2024, 5, 1), date(2024, 5, 31))


def _say(_: str) -> None:
    """Nobody listens."""


@pytest.fixture(scope="module")
def told(make_lake: MakeLake) -> Lake:
    """The whole story, settled. Only for tests that leave it as it is."""
    lake = make_lake()
    lake.feed(RECORDS)
    lake.run(SILVER)
    lake.beat(END)
    lake.run(*AFTER_SILVER)
    return lake


@pytest.fixture(scope="module")
def short_story(make_lake: MakeLake) -> Lake:
    """A sale, three visits, and records that cannot be read, twice."""
    lake = make_lake()
    sale = make_event("sale", at(5), event_type="custom_event", event_name="s", value=2.5)
    broken = make_record(make_event("broken", at(20), page_url="/relative"), at(20))
    lake.feed(
        [
            make_record(make_event("first", at(0))),
            make_record(sale),
            make_record(sale),
            broken,
            make_record(make_event("other", at(30), anonymous_id="v2")),
            make_record(make_event("late", at(40), anonymous_id="v3"), at(4_000)),
            broken,
        ]
    )
    lake.run(SILVER)
    lake.beat(at(10_000))
    lake.run(*AFTER_SILVER)
    return lake


@pytest.fixture
def lake(make_lake: MakeLake, short_story: Lake) -> Lake:
    return make_lake(short_story)


def _in_euro(lake: Lake) -> Lake:
    settings = lake.runtime.settings.model_copy(update={"default_currency": "EUR"})
    return replace(lake, runtime=Runtime(lake.runtime.spark, settings))


def _accept_relative_urls(patch: pytest.MonkeyPatch) -> None:
    kept = tuple(rule for rule in quality.REJECTS if rule.name != RejectReason.INVALID_URL)
    patch.setattr(quality, "REJECTS", kept)


def _require_consistent(lake: Lake) -> None:
    """Every record is in one table, and each later table is what the one before it says."""
    tables = snapshot(lake, *TABLES)
    places = Counter(row["offset"] for name in TABLES[:3] for row in tables[name])
    assert places == Counter(range(lake.fed))
    ids = Counter((row["site_id"], row["event_id"]) for row in tables["silver.events"])
    assert set(ids.values()) <= {1}
    events = [
        row | {"event_time": row["event_time"].replace(tzinfo=UTC)}
        for row in tables["silver.events"]
    ]
    expected = sorted(
        (session["visitor_id"], session["session_start"].replace(tzinfo=None))
        for session in find_sessions(events)
    )
    found = sorted((row["visitor_id"], row["session_start"]) for row in tables["silver.sessions"])
    assert found == expected
    for table in GOLD_TABLES:
        again = aggregate_partials(lake.read(table.source), table)
        assert tables[table.name] == read_metrics(again, table)


def test_the_same_rules_change_nothing(told: Lake) -> None:
    before = snapshot(told, *TABLES)
    result = rebuild(told.runtime, DAYS, is_dry_run=True, say=_say)
    assert result.changes == []
    assert result.records > 100
    done = rebuild(told.runtime, DAYS, is_dry_run=False, say=_say)
    assert done.changes == []
    told.run(*AFTER_SILVER)
    assert snapshot(told, *TABLES) == before


def test_another_rule_reaches_every_table(lake: Lake) -> None:
    revenue = [row["revenue"] for row in lake.metrics(GOLD_OF_SESSIONS)]
    assert sum(value for value in revenue if value) == 2.5
    sold = make_record(
        make_event(
            "euros", at(10_100), event_type="custom_event", event_name="s", value=9, currency="EUR"
        )
    )
    lake.feed([sold])
    lake.run(SILVER)
    lake.beat(at(15_000))
    lake.run(*AFTER_SILVER)
    european = _in_euro(lake)
    dry = rebuild(european.runtime, DAYS, is_dry_run=True, say=_say)
    changed = {(change.table, change.metric): change for change in dry.changes}
    assert changed["gold.sessions", "revenue (people)"].after == 11.5
    before = snapshot(lake, *TABLES)
    done = rebuild(european.runtime, DAYS, is_dry_run=False, say=_say)
    assert done.changes == dry.changes
    # The rest of the chain has not run: no table but Silver's own has changed yet.
    assert snapshot(lake, *TABLES[3:]) == {name: before[name] for name in TABLES[3:]}
    lake.beat(at(20_000))
    lake.run(*AFTER_SILVER)
    _require_consistent(lake)
    revenue = [row["revenue"] for row in lake.metrics(GOLD_OF_SESSIONS)]
    assert float(sum(value for value in revenue if value)) == 11.5


def test_a_dead_letter_that_passes_now_enters_once(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(lake.rows("bronze.dead_letters")) == 2
    nothing = replay(lake.runtime, None, is_dry_run=False, say=_say)
    assert (nothing.records, nothing.new_events, nothing.changes) == (2, 0, [])
    _accept_relative_urls(monkeypatch)
    done = replay(lake.runtime, RejectReason.INVALID_URL, is_dry_run=False, say=_say)
    assert (done.records, done.new_events) == (2, 1)
    again = replay(lake.runtime, None, is_dry_run=False, say=_say)
    assert again.records == 0
    # The same event sent once more, on time by its own clock: the state never saw the first.
    lake.feed([make_record(make_event("broken", at(20), page_url="/relative"), at(21))])
    lake.beat(at(30_000))
    lake.run(*ALL)
    _require_consistent(lake)
    assert lake.rows("bronze.dead_letters") == []
    assert len(lake.rows("silver.duplicates")) == 3
    assert {row["event_id"] for row in lake.rows("silver.events")} >= {"broken"}


def test_a_rebuild_takes_in_what_passes_now_and_leaves_out_what_does_not(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    _accept_relative_urls(monkeypatch)
    done = rebuild(lake.runtime, DAYS, is_dry_run=False, say=_say)
    assert done.new_events == 1
    lake.run(*AFTER_SILVER)
    _require_consistent(lake)
    monkeypatch.undo()
    back = rebuild(lake.runtime, DAYS, is_dry_run=False, say=_say)
    assert ("silver.events", "events") in {(one.table, one.metric) for one in back.changes}
    lake.run(*AFTER_SILVER)
    _require_consistent(lake)
    assert len(lake.rows("bronze.dead_letters")) == 2


@pytest.mark.parametrize(
    "step",
    [
        "_append_new",
        # The others take as long again, and differ in what is done already.
        *(
            pytest.param(step, marks=pytest.mark.integration)
            for step in ("_replace_days", "_replace", "finish_pass")
        ),
    ],
)
def test_a_pass_that_is_cut_off_is_finished_at_the_next_start(
    step: str, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    _accept_relative_urls(monkeypatch)
    fired = []

    def die(*_: Any) -> None:
        fired.append(step)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(place, step, die)
        with pytest.raises(Killed):
            rebuild(lake.runtime, DAYS, is_dry_run=False, say=_say)
    assert fired == [step]
    assert read_journal(lake.runtime.settings).pending is not None
    finish_pending(lake.runtime)
    assert read_journal(lake.runtime.settings).pending is None
    lake.run(*AFTER_SILVER)
    _require_consistent(lake)
    assert lake.rows("bronze.dead_letters") == []


def test_what_comes_in_between_judging_and_placing_stays(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    _accept_relative_urls(monkeypatch)
    put = place.put_in_place

    def arrive_first(runtime: Runtime, one: Any) -> None:
        # One that is new, and one that is the very event which is about to come in.
        lake.feed(
            [
                make_record(make_event("meanwhile", at(60)), at(10_100)),
                make_record(make_event("broken", at(20)), at(10_101)),
            ]
        )
        lake.run(SILVER)
        put(runtime, one)

    monkeypatch.setattr("streaming.rejudge.commands.put_in_place", arrive_first)
    rebuild(lake.runtime, DAYS, is_dry_run=False, say=_say)
    lake.beat(at(30_000))
    lake.run(*ALL)
    _require_consistent(lake)
    assert {row["event_id"] for row in lake.rows("silver.events")} >= {"meanwhile", "broken"}


def test_a_pass_is_remembered_with_its_days(lake: Lake) -> None:
    rebuild(lake.runtime, DAYS, is_dry_run=True, say=_say)
    assert read_journal(lake.runtime.settings).done == ()
    rebuild(lake.runtime, DAYS, is_dry_run=False, say=_say)
    (one,) = read_journal(lake.runtime.settings).done
    assert (one.first_day, one.last_day) == (DAYS.first, DAYS.last)
    assert NOON < one.time <= datetime.now(UTC)
