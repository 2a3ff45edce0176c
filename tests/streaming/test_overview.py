"""The answer of `status`, over a hand-made lake and a fake Kafka."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from schemas.gold import GOLD_TABLES
from settings.model import Settings
from streaming import overview
from streaming.overview import Unobservable, describe, observe
from streaming.progress import FLOW_NAMES
from streaming.rejudge.journal import Pass, begin_pass, finish_pass
from tests.streaming.fake_lake import (
    TOPIC,
    add,
    delta_offset,
    finish_batch,
    make_settings,
    plan_batch,
    write_table,
)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """10 records: 6 events, 1 dead letter, 3 duplicates; all of it worked through."""
    lake = tmp_path / "lake"
    write_table(lake / "bronze" / "events", [add(10)])
    write_table(lake / "bronze" / "dead_letters", [add(1)])
    write_table(lake / "silver" / "events", [add(6)])
    write_table(lake / "silver" / "duplicates", [add(3)])
    write_table(lake / "silver" / "sessions", [add(2)])
    metadata = json.dumps({"as_of": "2026-01-01T00:00:00+00:00"})
    write_table(lake / "gold" / "pages", [{"commitInfo": {"userMetadata": metadata}}])
    checkpoints = tmp_path / "checkpoints"
    finish_batch(checkpoints / "bronze", 0, {TOPIC: {"0": 10}})
    for flow in FLOW_NAMES[1:]:
        finish_batch(checkpoints / flow, 0, delta_offset(2))
    _set_ends(monkeypatch, {0: 10})
    return make_settings(tmp_path)


def _set_ends(monkeypatch: pytest.MonkeyPatch, *answers: dict[int, int]) -> None:
    """What Kafka answers, one after the other; the last one for ever."""
    left = list(answers)
    monkeypatch.setattr(
        overview, "count_kafka", lambda *_: left.pop(0) if len(left) > 1 else left[0]
    )


def _statuses(answer: dict[str, Any]) -> dict[str, str]:
    return {check["name"]: check["status"] for check in answer["checks"]}


def _run_app(settings: Settings, *, dropped: int = 0) -> None:
    """The report of an app that runs."""
    numbers = {
        "input_rows_per_second": 5.0,
        "processed_rows_per_second": 50.0,
        "last_batch_ms": 800,
        "rows_dropped_by_watermark": dropped,
    }
    report = {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "written_at": time.time(),
        "flows": {"silver": numbers},
    }
    file = Path(settings.data_dir) / "checkpoints" / "progress.json"
    file.write_text(json.dumps(report))


def test_answers_in_the_shape_of_the_contract(settings: Settings) -> None:
    _run_app(settings)
    answer = describe(observe(settings))
    assert answer["caught_up"] is True
    assert answer["ledger"] == {
        "records": 10,
        "bronze": 10,
        "silver": 6,
        "dead_letters": 1,
        "duplicates": 3,
        "erased": 0,
        "balanced": True,
    }
    assert answer["flows"][1] == {
        "name": "silver",
        "input_rows_per_second": 5.0,
        "processed_rows_per_second": 50.0,
        "last_batch_ms": 800,
        "behind_rows": 0,
    }
    assert {table.name for table in GOLD_TABLES} < set(answer["freshness_s"])
    assert answer["freshness_s"]["gold.pages"] > 0
    assert answer["freshness_s"]["gold.sessions"] is None
    assert set(_statuses(answer).values()) <= {"HEALTHY", "WARNING"}
    json.dumps(answer)


def test_works_while_the_app_is_down_with_rates_of_zero(settings: Settings) -> None:
    answer = describe(observe(settings))
    assert answer["caught_up"] is True
    assert _statuses(answer)["app_running"] == "WARNING"
    assert {flow["processed_rows_per_second"] for flow in answer["flows"]} == {0.0}


def test_behind_is_neither_caught_up_nor_an_alarm_of_the_ledger(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set_ends(monkeypatch, {0: 14})
    answer = describe(observe(settings))
    assert answer["caught_up"] is False
    assert answer["flows"][0]["behind_rows"] == 4
    assert answer["ledger"]["balanced"] is False
    assert _statuses(answer)["ledger_balanced"] == "HEALTHY"
    assert _statuses(answer)["app_running"] == "CRITICAL"


def test_a_lost_row_is_critical_once_caught_up(settings: Settings) -> None:
    duplicates = Path(settings.data_dir) / "lake" / "silver" / "duplicates" / "_delta_log"
    (duplicates / f"{1:020}.json").write_text(json.dumps(add(2)))
    answer = describe(observe(settings))
    assert answer["caught_up"] is True
    assert _statuses(answer)["ledger_balanced"] == "CRITICAL"


def test_looks_again_where_something_moved(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set_ends(monkeypatch, {0: 10}, {0: 11}, {0: 10})
    seen = observe(settings)
    assert seen.is_steady
    assert seen.ledger.records == 10


def test_never_caught_up_while_everything_moves(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set_ends(monkeypatch, *({0: 10}, {0: 11}) * 10)
    assert not observe(settings).is_caught_up


def test_a_batch_cut_off_by_a_crash_is_not_caught_up(settings: Settings) -> None:
    checkpoint = Path(settings.data_dir) / "checkpoints" / "sessions"
    plan_batch(checkpoint, 1, delta_offset(2))
    assert not observe(settings).is_caught_up
    # While the app runs, such a batch without rows only moves a watermark.
    _run_app(settings)
    assert observe(settings).is_caught_up


def test_rows_behind_a_watermark_are_critical_also_after_the_app_went_down(
    settings: Settings,
) -> None:
    _run_app(settings, dropped=3)
    answer = describe(observe(settings))
    assert _statuses(answer)["rows_dropped_by_watermark"] == "CRITICAL"


def test_no_lake_names_the_place_and_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(Unobservable, match="no lake at file://.*--data-dir"):
        observe(make_settings(tmp_path))


def test_no_broker_names_the_address_and_the_remedy(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> dict[int, int]:
        raise KafkaException(KafkaError(KafkaError._TRANSPORT))

    monkeypatch.setattr(overview, "count_kafka", refuse)
    with pytest.raises(Unobservable, match=f"{TOPIC}.*kafka.bootstrap_servers"):
        observe(settings)


def test_a_pass_that_is_not_in_place_yet_is_not_caught_up(settings: Settings) -> None:
    one = Pass("p", "2026-01-01T00:00:00+00:00")
    assert observe(settings).is_caught_up
    begin_pass(settings, one)
    assert not observe(settings).is_caught_up
    finish_pass(settings, one)
    assert observe(settings).is_caught_up
