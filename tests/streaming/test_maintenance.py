"""What maintenance does: no number changes, whatever cuts it off, and the ledger balances."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas import bronze
from schemas.commit import FOLDED
from schemas.gold.pages import PAGES
from schemas.gold.realtime import REALTIME
from schemas.gold.sessions import SESSIONS as GOLD_SESSIONS
from schemas.history import Floor
from serving.past import Gap, Past, read_past
from streaming.delta_log import latest_version, read_commit, read_metadata
from streaming.history import raise_history
from streaming.maintenance import command
from streaming.maintenance.files import DataFile, list_files, query_files
from streaming.proofs import each_record_once, gold_wrong, offset_gaps
from streaming.runtime import Runtime
from streaming.sinks import replace_rows
from tests.streaming.lake import Killed, Lake
from tests.streaming.short_history import AS_OF, COMPLETE_UNTIL, TABLES, have_read
from tests.streaming.two_days import (
    count_wrong,
    open_reader,
    read_ledger,
    read_versions,
    run_maintenance,
    with_retention,
)


def _read(lake: Lake) -> dict[str, Any]:
    """What readers get; minutes as old as these nobody asks for."""
    rows = {table.name: lake.rows(table.name) for table in TABLES[3:]}
    return rows | {table.name: lake.metrics(table) for table in (PAGES, GOLD_SESSIONS)}


def test_nothing_changes_whenever_it_is_cut_off(
    short_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = short_lake
    before, versions = _read(lake), read_versions(lake)
    planned = run_maintenance(lake.runtime, *TABLES, is_dry_run=True)
    assert read_versions(lake) == versions
    assert (planned[PAGES.name].folded, planned[PAGES.name].compacted) == (2, 4)
    assert planned[REALTIME.name].expired == 4
    vacuum = command.vacuum_table

    def die_at_realtime(runtime: Runtime, name: str, **more: Any) -> Any:
        if name == REALTIME.name:
            raise Killed
        return vacuum(runtime, name, **more)

    with monkeypatch.context() as patch:
        patch.setattr(command, "vacuum_table", die_at_realtime)
        with pytest.raises(Killed):
            run_maintenance(lake.runtime, *TABLES)
    done = run_maintenance(lake.runtime, *TABLES)
    assert (done[PAGES.name].folded, done[GOLD_SESSIONS.name].folded) == (0, 2)
    assert _read(lake) == before
    for table in (PAGES, GOLD_SESSIONS):
        files = list_files(lake.runtime, table.name)
        assert sorted(str(file.partition_values["date"]) for file in files) == [
            "2024-05-14",
            "2024-05-15",
        ]
        assert lake.read(table.name).count() == 2
    after = read_versions(lake)
    again = run_maintenance(lake.runtime, *TABLES)
    assert read_versions(lake) == after
    assert not any(
        one.folded or one.compacted or one.deleted or one.expired for one in again.values()
    )
    # How far the data goes is said again by whatever commits last.
    for name, said in ((PAGES.name, AS_OF), (GOLD_SESSIONS.name, COMPLETE_UNTIL)):
        uri = lake.runtime.table(name)
        commit = read_commit(uri, latest_version(uri)) or []
        assert list(read_metadata(commit).values()) == [said, True]
        assert read_metadata(commit)[FOLDED]
        operations = [one["commitInfo"]["operation"] for one in commit if "commitInfo" in one]
        # The fold leaves one file a day, so nothing is left to be compacted.
        assert operations == ["WRITE"]


def test_files_are_listed_alike_through_spark(short_lake: Lake) -> None:
    lake = short_lake
    for name in (PAGES.name, "silver.events"):
        found = (list_files(lake.runtime, name), query_files(lake.runtime, name))
        by_size = [sorted(files, key=repr) for files in found]
        assert by_size[0] == by_size[1] != []
    assert isinstance(by_size[0][0], DataFile)


def test_old_files_go_and_nobody_is_promised_them(short_lake: Lake) -> None:
    lake = short_lake
    runtime = with_retention(lake, history_hours=0)
    moment = datetime.now(UTC)
    before = lake.metrics(PAGES)
    done = run_maintenance(runtime, PAGES, bronze.EVENTS)
    # Nobody has read the records yet.
    assert "flow silver has still to read version 0" in done[bronze.EVENTS.name].notes[0]
    assert done[bronze.EVENTS.name].deleted == 0
    assert done[PAGES.name].deleted > 0
    assert lake.metrics(PAGES) == before
    reader = open_reader(lake)
    _, gaps = read_past(reader, Past(moment), reader.read_states())
    assert isinstance(gaps[PAGES.name], Gap)
    assert "cleaned up" in gaps[PAGES.name].allowed
    have_read(lake, "silver", bronze.EVENTS)
    assert run_maintenance(runtime, bronze.EVENTS)[bronze.EVENTS.name].notes == []


def test_records_are_let_go_of_and_the_ledger_balances(short_lake: Lake) -> None:
    lake = short_lake
    runtime, raw = with_retention(lake, bronze_days=2), (bronze.EVENTS, bronze.DEAD_LETTERS)
    waiting = run_maintenance(runtime, *raw)
    assert [done.expired for done in waiting.values()] == [0, 0]
    assert "retention.bronze_days" in waiting[bronze.EVENTS.name].notes[0]
    have_read(lake, "silver", bronze.EVENTS)
    assert read_ledger(lake).is_balanced
    # The newest day stays, however old.
    assert [done.expired for done in run_maintenance(runtime, *raw).values()] == [4, 1]
    ledger = read_ledger(lake)
    assert (ledger.bronze, ledger.expired, ledger.expired_letters) == (4, 4, 1)
    assert ledger.is_balanced
    assert [done.expired for done in run_maintenance(runtime, *raw).values()] == [0, 0]
    assert read_ledger(lake) == ledger
    assert count_wrong(lake, each_record_once(has_expired=True)) == 0
    assert count_wrong(lake, each_record_once(has_expired=False)) == 3
    assert count_wrong(lake, offset_gaps(lake.runtime.settings, has_expired=True)) == 0


def test_whole_days_of_minutes_go(short_lake: Lake) -> None:
    lake = short_lake
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    kept = lake.read(REALTIME.name).limit(1)
    moved = kept.selectExpr(
        f"timestamp'{today:%Y-%m-%d}' AS bucket",
        f"date'{today.date()}' AS date",
        *(name for name in kept.columns if name not in ("bucket", "date")),
    )
    where = f"date = date'{today.date()}'"
    replace_rows(lake.runtime, REALTIME, moved.select(*kept.columns), where)
    assert run_maintenance(lake.runtime, REALTIME)[REALTIME.name].expired == 4
    assert [row["bucket"] for row in lake.rows(REALTIME.name)] == [today.replace(tzinfo=None)]
    # What is left is compared with what Silver has of the days that are kept: nothing.
    assert count_wrong(lake, gold_wrong(REALTIME, lake.read(REALTIME.name), today.date())) == 1


def test_floors_only_rise(short_lake: Lake) -> None:
    settings = short_lake.runtime.settings
    raise_history(settings, {"gold.pages": Floor(5, "erased")})
    raise_history(settings, {"gold.pages": Floor(3, "cleaned"), "gold.geo": Floor(1, "cleaned")})
    floors = open_reader(short_lake).read_floors()
    assert floors == {"gold.pages": Floor(5, "erased"), "gold.geo": Floor(1, "cleaned")}
