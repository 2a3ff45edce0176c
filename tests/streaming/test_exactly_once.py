"""An append happens once, whatever of a batch was noted before the process died."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from schemas import silver
from schemas.commit import WRITTEN_BY
from streaming.checkpoints import CheckpointError, FlowState, write_state
from streaming.delta_log import find_batch, latest_version, read_commit, read_metadata
from streaming.files import local_path
from streaming.flow import Flow, check_flows
from streaming.maintenance.files import open_delta_log
from streaming.sinks import Batch
from tests.streaming.conftest import MakeLake
from tests.streaming.lake import Lake

TABLE = silver.DUPLICATES
FLOW = Flow("copies", (TABLE.name,), read=lambda _: pytest.fail(), open=lambda _: pytest.fail())
OWN = "copies:g1"


@pytest.fixture
def lake(make_lake: MakeLake) -> Lake:
    return make_lake()


def _append(lake: Lake, state: FlowState, *batch_ids: int, rows: int = 1) -> None:
    """Each batch of one row, or none, noted in the state as a flow does."""
    for batch_id in batch_ids:
        batch = Batch(lake.runtime, FLOW.name, batch_id, state)
        row: Any = (None, 0, batch_id, "s", None, None, None, "state", None)
        names = TABLE.column_names
        frame = lake.runtime.spark.createDataFrame([row[: len(names)]] * rows, TABLE.ddl)
        batch.append(TABLE, frame, {"as_of": "2024-05-14T00:00:00+00:00"})
        state.written[TABLE.name] = batch_id


def _plan(lake: Lake, batch_id: int) -> None:
    offsets = lake.checkpoint(FLOW) / "offsets"
    offsets.mkdir(parents=True, exist_ok=True)
    (offsets / str(batch_id)).write_text("v1\n{}\n-")


def _log(lake: Lake) -> Path:
    folder = local_path(lake.runtime.table(TABLE.name))
    assert folder is not None
    return folder / "_delta_log"


def _start(lake: Lake) -> FlowState:
    return check_flows(lake.runtime, (FLOW,))[FLOW.name]


def test_a_batch_that_was_not_noted_is_left_out_when_it_comes_again(lake: Lake) -> None:
    uri, state = lake.runtime.table(TABLE.name), FlowState("g1")
    _append(lake, state, 0, 1)
    write_state(lake.runtime.checkpoint(FLOW.name), state)
    noted = state.versions[TABLE.name]
    # Delta knows the first batch of a process, the commits each of them.
    _append(lake, replace(state, written=dict(state.written)), 2)
    for batch_id in range(3):
        _plan(lake, batch_id)
    commit = read_metadata(read_commit(uri, latest_version(uri)) or [])
    assert commit == {"as_of": "2024-05-14T00:00:00+00:00", WRITTEN_BY: [OWN, 2]}
    assert find_batch(uri, noted + 1, OWN) == (2, noted + 1)
    assert find_batch(uri, noted + 1, "copies:g2") is None

    again = _start(lake)
    assert (again.written, again.versions) == ({TABLE.name: 2}, {TABLE.name: noted + 1})
    _append(lake, again, 2)
    assert len(lake.rows(TABLE.name)) == 3
    _append(lake, again, 3)
    assert len(lake.rows(TABLE.name)) == 4
    assert again.versions == {TABLE.name: noted + 2}


def test_a_batch_without_rows_says_how_far_the_data_goes(lake: Lake) -> None:
    uri, state = lake.runtime.table(TABLE.name), FlowState("g1")
    _append(lake, state, 0, 1)
    _append(lake, state, 2, rows=0)
    _plan(lake, 2)
    write_state(lake.runtime.checkpoint(FLOW.name), state)
    commit = read_commit(uri, latest_version(uri)) or []
    assert read_metadata(commit)[WRITTEN_BY] == [OWN, 2]
    assert not any("add" in action for action in commit)
    assert _start(lake).written == {TABLE.name: 2}
    assert len(lake.rows(TABLE.name)) == 2


def test_a_table_from_an_older_backup_is_refused(lake: Lake) -> None:
    state = FlowState("g1")
    _append(lake, state, 0, 1, 2)
    _plan(lake, 2)
    write_state(lake.runtime.checkpoint(FLOW.name), state)
    assert _start(lake).written == {TABLE.name: 2}
    log = _log(lake)
    last = log / f"{state.versions[TABLE.name]:020}.json"
    # Another history went on from where the backup ends.
    last.write_text(last.read_text().replace(f'{OWN}\\", 2', f'{OWN}\\", 1'))
    assert find_batch(lake.runtime.table(TABLE.name), 0, OWN) == (1, state.versions[TABLE.name])
    with pytest.raises(CheckpointError, match="older than the checkpoint"):
        _start(lake)


def test_a_batch_that_was_not_noted_is_found_in_what_a_trimmed_log_has(lake: Lake) -> None:
    uri, state = lake.runtime.table(TABLE.name), FlowState("g1")
    _append(lake, state, 0, 1)
    write_state(lake.runtime.checkpoint(FLOW.name), state)
    noted = state.versions[TABLE.name]
    for _ in range(2):
        row = lake.read(TABLE.name).limit(1)
        row.write.format("delta").mode("append").save(uri)
    open_delta_log(lake.runtime, uri)[0].checkpoint()
    _append(lake, replace(state, written=dict(state.written)), 2)
    for batch_id in range(3):
        _plan(lake, batch_id)
    for version in range(noted + 1):
        (_log(lake) / f"{version:020}.json").unlink()
    again = _start(lake)
    assert (again.written, again.versions) == ({TABLE.name: 2}, {TABLE.name: noted + 3})


def test_a_log_that_begins_later_leaves_nothing_in_doubt(lake: Lake) -> None:
    uri, state = lake.runtime.table(TABLE.name), FlowState("g1")
    _append(lake, state, 0, 1)
    _plan(lake, 1)
    write_state(lake.runtime.checkpoint(FLOW.name), state)
    for _ in range(2):
        row = lake.read(TABLE.name).limit(1)
        row.write.format("delta").mode("append").save(uri)
    for version in range(state.versions[TABLE.name] + 1):
        (_log(lake) / f"{version:020}.json").unlink()
    with pytest.MonkeyPatch.context() as patch:
        # What Delta would say from its checkpoint.
        patch.setattr("streaming.flow.read_transactions", lambda *_: {OWN: 0})
        assert _start(lake).written == {TABLE.name: 1}
