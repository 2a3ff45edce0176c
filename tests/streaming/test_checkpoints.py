"""Checkpoints: how far a flow has come, and every refusal to start it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streaming.checkpoints import (
    CheckpointError,
    FlowState,
    check_flow,
    delta_position,
    latest_batch,
    new_state,
    read_offsets,
    read_span,
    read_state,
    transaction_id,
    write_state,
)
from streaming.delta_log import Position

STATE = FlowState("g1", {"silver.events": 4, "silver.duplicates": 2})
OWN = "silver:g1"


def _plan(
    checkpoint: Path, batch_id: int, *ends: tuple[int, int] | None, first: bool = False
) -> None:
    """Write a planned batch as Spark does: version, metadata, one line for each source."""
    lines = ["v1", json.dumps({"batchWatermarkMs": 1_715_688_000_000, "conf": {}})]
    for end in ends:
        offset = end and {"reservoirVersion": end[0], "index": end[1], "isStartingVersion": first}
        lines.append("-" if offset is None else json.dumps(offset))
    folder = checkpoint / "offsets"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / str(batch_id)).write_text("\n".join(lines))


def test_the_state_comes_back_as_written(tmp_path: Path) -> None:
    assert read_state(str(tmp_path)) is None
    write_state(str(tmp_path), STATE)
    assert read_state(str(tmp_path)) == STATE
    assert [file.name for file in tmp_path.iterdir()] == ["web-analytics.json"]


def test_every_new_checkpoint_has_a_transaction_id_of_its_own() -> None:
    assert transaction_id("silver", STATE) == OWN
    ids = {transaction_id("silver", new_state()) for _ in range(10)}
    assert len(ids) == 10


def test_the_latest_batch_is_that_of_the_greatest_number(tmp_path: Path) -> None:
    checkpoint = str(tmp_path)
    assert latest_batch(checkpoint, "offsets") is None
    for batch_id in (2, 10, 9):
        _plan(tmp_path, batch_id, (1, -1))
    (tmp_path / "offsets" / ".11.crc").touch()
    (tmp_path / "offsets" / "12.tmp").touch()
    assert latest_batch(checkpoint, "offsets") == 10
    assert latest_batch(checkpoint, "commits") is None


def test_offsets_are_read_with_their_watermark_and_sources_without_one(tmp_path: Path) -> None:
    _plan(tmp_path, 3, (7, -1), None)
    metadata, ends = read_offsets(str(tmp_path), 3)
    assert metadata["batchWatermarkMs"] == 1_715_688_000_000
    assert [delta_position(end) for end in ends] == [Position(7, -1), Position(0, -1)]


def test_a_batch_that_was_never_planned_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="offsets/5"):
        read_offsets(str(tmp_path), 5)


def test_a_batch_spans_from_the_end_of_the_one_before(tmp_path: Path) -> None:
    _plan(tmp_path, 0, (3, 1), (1, -1))
    _plan(tmp_path, 1, (5, -1), (1, -1))
    assert read_span(str(tmp_path), 0) == (Position(0, -1), Position(3, 1))
    assert read_span(str(tmp_path), 1) == (Position(3, 1), Position(5, -1))
    assert read_span(str(tmp_path), 1, source=1) == (Position(1, -1), Position(1, -1))


def test_a_batch_that_starts_from_a_snapshot_is_refused(tmp_path: Path) -> None:
    _plan(tmp_path, 0, (3, 1), first=True)
    with pytest.raises(CheckpointError, match="snapshot"):
        read_span(str(tmp_path), 0)


# Name -> (state in the checkpoint, planned batch, transactions by table).
BELONGING: dict[str, tuple[FlowState | None, int | None, dict[str, dict[str, int]]]] = {
    "nothing yet": (None, None, {"silver.events": {}, "silver.duplicates": {}}),
    "data of other flows only": (None, None, {"silver.events": {"rebuild:x": 3, "silverish:1": 9}}),
    "started, and nothing written": (FlowState("g1"), None, {"silver.events": {}}),
    "up to date": (STATE, 4, {"silver.events": {OWN: 4}, "silver.duplicates": {OWN: 2}}),
    "died before the checkpoint's commit": (STATE, 5, {"silver.events": {OWN: 5}}),
    "planned and not written": (STATE, 6, {"silver.events": {OWN: 4}}),
    "batches without rows for a table": (STATE, 90, {"silver.duplicates": {OWN: 2}}),
}
REFUSED: dict[str, tuple[FlowState | None, int | None, dict[str, dict[str, int]], str]] = {
    "checkpoint gone": (None, None, {"silver.events": {"silver:g0": 4}}, "is gone"),
    "state gone": (None, 3, {"silver.events": {}}, "not its web-analytics.json"),
    "table older": (STATE, 4, {"silver.events": {OWN: 3}}, "is older than the checkpoint"),
    "table empty": (STATE, 4, {"silver.events": {}}, "is older than the checkpoint"),
    "one of the tables older": (
        STATE,
        4,
        {"silver.events": {OWN: 4}, "silver.duplicates": {OWN: 1}},
        "silver.duplicates is older",
    ),
    "checkpoint older": (STATE, 4, {"silver.events": {OWN: 6}}, "is older than silver.events"),
    "checkpoint older than its first batch": (
        FlowState("g1"),
        None,
        {"silver.events": {OWN: 0}},
        "is older than silver.events",
    ),
    "checkpoint of another lake": (
        STATE,
        4,
        {"silver.events": {"silver:g0": 9}},
        "another checkpoint",
    ),
    "new checkpoint put beside an old table": (
        FlowState("g2"),
        None,
        {"silver.events": {"silver:g1": 4}},
        "another checkpoint",
    ),
}


def _prepare(folder: Path, state: FlowState | None, planned: int | None) -> str:
    if state is not None:
        write_state(str(folder), state)
    if planned is not None:
        _plan(folder, planned, (1, -1))
    return str(folder)


@pytest.mark.parametrize("case", BELONGING)
def test_a_flow_starts_where_checkpoint_and_tables_belong_together(
    case: str, tmp_path: Path
) -> None:
    state, planned, tables = BELONGING[case]
    checkpoint = _prepare(tmp_path, state, planned)
    found = check_flow("silver", checkpoint, read_state(checkpoint), tables)
    assert found == (state or found)
    assert found.written == (state.written if state else {})


@pytest.mark.parametrize("case", REFUSED)
def test_a_flow_is_refused_with_what_is_wrong_and_the_remedy(case: str, tmp_path: Path) -> None:
    state, planned, tables, message = REFUSED[case]
    checkpoint = _prepare(tmp_path, state, planned)
    with pytest.raises(CheckpointError, match=message) as refusal:
        check_flow("silver", checkpoint, read_state(checkpoint), tables)
    assert checkpoint in str(refusal.value)
    assert "Restore" in str(refusal.value)
