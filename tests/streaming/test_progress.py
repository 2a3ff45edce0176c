"""How far each flow has come, from hand-made tables and checkpoints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from settings.model import Settings
from streaming.pipeline import FLOWS
from streaming.progress import (
    FLOW_NAMES,
    count_batch,
    count_behind,
    first_offsets,
    has_read,
    interrupted_flows,
    is_closing_due,
)
from tests.streaming.fake_lake import (
    TOPIC,
    add,
    change_file,
    commit_batch,
    delta_offset,
    finish_batch,
    make_settings,
    merged,
    plan_batch,
    remove,
    write_table,
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A lake with 10 records in Bronze, 8 events, and a session merged over another."""
    lake = tmp_path / "lake"
    write_table(lake / "bronze" / "events", [add(6)], [add(4)])
    write_table(lake / "silver" / "events", [add(8)])
    session = add(1)
    merge = [merged(0, 1, 0), add(1), change_file(), remove(session)]
    write_table(lake / "silver" / "sessions", [session], merge)
    return make_settings(tmp_path)


def _checkpoint(settings: Settings, flow: str) -> Path:
    return Path(settings.data_dir) / "checkpoints" / flow


def _finish_all(settings: Settings) -> None:
    finish_batch(_checkpoint(settings, "bronze"), 0, {TOPIC: {"0": 7, "1": 3}})
    for flow, end in (
        ("silver", delta_offset(3)),
        ("sessions", delta_offset(2)),
        ("verdicts", delta_offset(2, 0)),
        ("gold_events", delta_offset(2)),
        ("gold_details", delta_offset(2)),
        ("gold_sessions", delta_offset(2, 0)),
    ):
        finish_batch(_checkpoint(settings, flow), 0, end)


def test_names_are_those_of_the_pipeline_in_its_order() -> None:
    assert tuple(flow.name for flow in FLOWS) == FLOW_NAMES


def test_all_is_behind_before_the_first_batch(settings: Settings) -> None:
    assert count_behind(settings, {0: 7, 1: 3}) == {
        "bronze": 10,
        "silver": 10,
        "sessions": 8,
        "verdicts": 3,
        "gold_events": 8,
        "gold_details": 8,
        "gold_sessions": 3,
    }


def test_nothing_is_behind_after_all_was_read(settings: Settings) -> None:
    _finish_all(settings)
    assert not any(count_behind(settings, {0: 7, 1: 3}).values())


def test_a_planned_batch_is_still_behind(settings: Settings) -> None:
    _finish_all(settings)
    finish_batch(_checkpoint(settings, "silver"), 0, delta_offset(2))
    plan_batch(_checkpoint(settings, "silver"), 1, delta_offset(3))
    assert count_behind(settings, {0: 7, 1: 3})["silver"] == 4
    assert interrupted_flows(settings) == ["silver"]
    commit_batch(_checkpoint(settings, "silver"), 1)
    assert count_behind(settings, {0: 7, 1: 3})["silver"] == 0
    assert interrupted_flows(settings) == []


def test_a_merge_that_gold_has_not_read_is_behind(settings: Settings) -> None:
    _finish_all(settings)
    finish_batch(_checkpoint(settings, "gold_sessions"), 0, delta_offset(2))
    assert count_behind(settings, {0: 7, 1: 3})["gold_sessions"] == 2


def test_a_topic_made_anew_is_not_caught_up_with(settings: Settings) -> None:
    _finish_all(settings)
    # As many records in all, but they are not the ones that were read.
    assert count_behind(settings, {0: 3, 1: 7})["bronze"] == 8


def test_what_was_deleted_before_the_first_start_is_not_behind(settings: Settings) -> None:
    begun = _checkpoint(settings, "bronze") / "sources" / "0" / "0"
    begun.parent.mkdir(parents=True)
    begun.write_bytes(b"\x00v1\n" + json.dumps({TOPIC: {"0": 5, "1": 0}}).encode())
    assert first_offsets(settings) == {0: 5, 1: 0}
    assert count_behind(settings, {0: 7, 1: 3})["bronze"] == 5


def test_a_batch_of_kafka_is_counted_by_its_own_offsets(settings: Settings) -> None:
    begun = _checkpoint(settings, "bronze") / "sources" / "0" / "0"
    begun.parent.mkdir(parents=True)
    begun.write_bytes(b"\x00v1\n" + json.dumps({TOPIC: {"0": 5, "1": 0}}).encode())
    plan_batch(_checkpoint(settings, "bronze"), 0, {TOPIC: {"0": 7, "1": 3}})
    assert count_batch(settings, "bronze", 0) == 2 + 3
    commit_batch(_checkpoint(settings, "bronze"), 0)
    # A partition that was added since begins at 0.
    plan_batch(_checkpoint(settings, "bronze"), 1, {TOPIC: {"0": 9, "1": 3, "2": 4}})
    assert count_batch(settings, "bronze", 1) == 2 + 4


def test_a_batch_of_a_table_is_counted_from_what_was_finished(settings: Settings) -> None:
    _finish_all(settings)
    finish_batch(_checkpoint(settings, "silver"), 0, delta_offset(2))
    plan_batch(_checkpoint(settings, "silver"), 1, delta_offset(3))
    assert count_batch(settings, "silver", 1) == 4


class TestClosingDue:
    """Sessions close one batch after the events that moved the watermark."""

    def test_due_until_the_batch_after_the_events(self, settings: Settings) -> None:
        checkpoint = _checkpoint(settings, "sessions")
        plan_batch(checkpoint, 0, delta_offset(2), delta_offset(1), watermark_ms=0)
        assert not is_closing_due(settings)  # its rows count as unread
        commit_batch(checkpoint, 0, next_watermark_ms=5_000)
        assert is_closing_due(settings)
        plan_batch(checkpoint, 1, delta_offset(2), delta_offset(1), watermark_ms=5_000)
        assert is_closing_due(settings)
        commit_batch(checkpoint, 1, next_watermark_ms=5_000)
        assert not is_closing_due(settings)

    def test_not_due_where_the_watermark_stood_still(self, settings: Settings) -> None:
        finish_batch(_checkpoint(settings, "sessions"), 0, delta_offset(2), delta_offset(1))
        assert not is_closing_due(settings)

    def test_heartbeats_do_not_count(self, settings: Settings) -> None:
        checkpoint = _checkpoint(settings, "sessions")
        finish_batch(checkpoint, 0, delta_offset(2), delta_offset(1))
        plan_batch(checkpoint, 1, delta_offset(2), delta_offset(2), watermark_ms=0)
        commit_batch(checkpoint, 1, next_watermark_ms=5_000)
        assert not is_closing_due(settings)


def test_a_version_is_read_also_where_the_position_stays_in_it(settings: Settings) -> None:
    _finish_all(settings)
    assert has_read(settings, "gold_sessions", 2)
    finish_batch(_checkpoint(settings, "gold_sessions"), 0, delta_offset(2))
    assert not has_read(settings, "gold_sessions", 2)
    assert has_read(settings, "gold_sessions", 1)
