"""Maintenance of a lake that real flows wrote and go on with: all answers stay, and traceable."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from schemas import bronze, silver
from schemas.gold import GOLD_TABLES
from schemas.gold.pages import PAGES
from schemas.gold.realtime import REALTIME
from serving.endpoints import ENDPOINTS
from serving.lineage.explain import explain
from serving.lineage.number import find_number
from serving.selection import Selection
from streaming.flows.silver import SILVER
from streaming.maintenance import command
from streaming.maintenance.files import list_files
from streaming.proofs import each_record_once, gold_wrong, offset_gaps
from streaming.runtime import Runtime
from tests.streaming.lake import Killed, Lake
from tests.streaming.two_days import (
    DAY,
    RANGE,
    ask_api,
    count_wrong,
    make_day,
    make_visit,
    open_reader,
    read_ledger,
    read_versions,
    run_maintenance,
    with_retention,
    work_through,
)

# The whole chain twice; what maintenance does by itself is in test_maintenance.
pytestmark = pytest.mark.integration

PATHS = (
    *(endpoint.path for endpoint in ENDPOINTS if not endpoint.kinds),
    "/users",
    "/users/v0",
    "/retention",
    "/lifecycle",
    "/paths",
    "/attribution",
    "/funnels/purchase",
)


def test_no_answer_changes_whenever_it_is_cut_off(
    lake_of_two_days: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = lake_of_two_days
    before, versions = ask_api(lake, *PATHS), read_versions(lake)
    assert {status for status, *_ in before.values()} == {200}
    assert all(data for path, (_, data, *_) in before.items() if "funnels" not in path)
    planned = run_maintenance(lake.runtime, is_dry_run=True)
    assert read_versions(lake) == versions
    assert planned["gold.pages"].folded > 0
    assert planned["gold.pages"].compacted > 0
    vacuum = command.vacuum_table

    def die_at_sessions(runtime: Runtime, name: str, *args: Any, **more: Any) -> Any:
        if name == "gold.sessions":
            raise Killed
        return vacuum(runtime, name, *args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(command, "vacuum_table", die_at_sessions)
        with pytest.raises(Killed):
            run_maintenance(lake.runtime)
    done = run_maintenance(lake.runtime)
    # Minutes as old as these are let go of, which no answer has any more.
    assert done["gold.realtime"].folded == 0
    after = read_versions(lake)
    assert ask_api(lake, *PATHS) == before
    for table in GOLD_TABLES:
        days = [file.partition_values["date"] for file in list_files(lake.runtime, table.name)]
        assert len(days) == len(set(days)), table.name
        keys = ["bucket", *table.dimension_names]
        assert lake.read(table.name).groupBy(*keys).count().where("count > 1").isEmpty()
    # Once more, and there is nothing to do.
    again = run_maintenance(lake.runtime)
    assert read_versions(lake) == after
    assert not any(one.folded or one.compacted or one.deleted for one in again.values())
    # The flows go on, and nothing that was compacted is read as new.
    lake.feed(make_visit("v9", 2 * DAY))
    work_through(lake, 2 * DAY + 10_000)
    rows = lake.rows(silver.EVENTS.name)
    assert len(rows) == len({row["event_id"] for row in rows}) == 6 + 1 + 6 + 1 + 3 + 3
    for table in GOLD_TABLES:
        since = date(2024, 5, 16) if table is REALTIME else None
        wrong = gold_wrong(table, lake.read(table.name), since)
        assert count_wrong(lake, wrong) == 0, table.name


def test_the_flows_go_on_without_the_oldest_records(lake_of_two_days: Lake) -> None:
    lake = lake_of_two_days
    runtime = with_retention(lake, bronze_days=2)
    assert read_ledger(lake).is_balanced
    answers = ask_api(lake, "/pages", "/sessions")
    done = run_maintenance(runtime)
    # The newest day stays, however old.
    assert (done[bronze.EVENTS.name].expired, done[bronze.DEAD_LETTERS.name].expired) == (9, 1)
    ledger = read_ledger(lake)
    assert (ledger.bronze, ledger.expired, ledger.expired_letters) == (12, 9, 1)
    assert ledger.is_balanced
    assert ask_api(lake, "/pages", "/sessions") == answers
    assert count_wrong(lake, each_record_once(has_expired=True)) == 0
    assert count_wrong(lake, each_record_once(has_expired=False)) > 0
    assert count_wrong(lake, offset_gaps(lake.runtime.settings, has_expired=True)) == 0
    lake.feed(make_day(2))
    lake.run(SILVER)
    assert read_ledger(lake).is_balanced
    assert len(lake.rows(bronze.DEAD_LETTERS.name)) == 2


def test_a_number_is_traced_to_batches_and_offsets(lake_of_two_days: Lake) -> None:
    lake = lake_of_two_days
    start, end = (
        datetime.fromisoformat(RANGE[name]).replace(tzinfo=UTC) for name in ("start", "end")
    )
    selection = Selection(start, end, limit=1, offset=0, include_bots=True)
    number = find_number("/pages", "page_views", {"page_path": "/0"}, selection)

    def trace() -> Any:
        reader = open_reader(lake)
        return explain(reader, number, reader.read_states(), 20, lambda _: None)

    found = trace()
    assert found.compared.gold == found.compared.silver == 5
    offsets = {
        row.offset for row in lake.read(silver.EVENTS.name).where("page_path = '/0'").collect()
    }
    assert {event["offset"] for event in found.events} == offsets
    (place,) = found.places
    assert (place["events"], place["first_offset"], place["last_offset"]) == (
        5,
        min(offsets),
        max(offsets),
    )
    made_by = {commit.made_by for _, commit in found.partials if commit}
    assert made_by == {"batch 0 of flow gold_events", "batch 1 of flow gold_events"}
    # A partial too many is found out, and so is what maintenance has made of the rest.
    wrong = lake.read(PAGES.name).where("page_path = '/0'").limit(1)
    wrong.write.format("delta").mode("append").save(lake.runtime.table(PAGES.name))
    assert not trace().compared.is_equal
