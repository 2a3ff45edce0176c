"""`web-analytics status`: where it looks, how it fails, what it prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.status import find_running, show
from settings.load import checkpoint_root, lake_root, load_settings
from streaming.overview import Unobservable


def _answer(*, caught_up: bool, balanced: bool) -> dict[str, Any]:
    return {
        "caught_up": caught_up,
        "ledger": {
            "records": 12345,
            "bronze": 12345,
            "silver": 12000,
            "dead_letters": 5,
            "duplicates": 340,
            "erased": 0,
            "balanced": balanced,
        },
        "flows": [
            {
                "name": "bronze",
                "input_rows_per_second": 500.0,
                "processed_rows_per_second": 900.0,
                "last_batch_ms": 1200,
                "behind_rows": 77,
            }
        ],
        "freshness_s": {"bronze.events": 3.2, "gold.sessions": None},
        "checks": [
            {
                "name": "lag_rows",
                "status": "HEALTHY",
                "value": 77,
                "threshold": 100000,
                "help": "Rows left.",
            }
        ],
    }


def test_looks_where_the_running_stack_is(tmp_path: Path) -> None:
    run = {
        "kafka": "127.0.0.1:4567",
        "topic": "mine",
        "lake": "file:///somewhere/lake",
        "checkpoints": "file:///somewhere/checkpoints",
    }
    (tmp_path / "run.json").write_text(json.dumps(run))
    settings = find_running(load_settings(data_dir=str(tmp_path)))
    assert settings.kafka.bootstrap_servers == "127.0.0.1:4567"
    assert settings.kafka.topic == "mine"
    assert lake_root(settings) == "file:///somewhere/lake"
    assert checkpoint_root(settings) == "file:///somewhere/checkpoints"


def test_without_a_running_stack_the_settings_hold(tmp_path: Path) -> None:
    settings = load_settings(data_dir=str(tmp_path))
    assert find_running(settings) == settings


def test_a_broken_run_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(Unobservable, match=r"run\.json"):
        find_running(load_settings(data_dir=str(tmp_path)))


def test_no_lake_is_a_message_and_exit_code_2(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["status", "--json", "--data-dir", str(tmp_path)])
    assert result.exit_code == 2
    assert "no lake at" in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("caught_up", "balanced", "words"),
    [
        (True, True, ["caught up", "(balanced)"]),
        (True, False, ["caught up", "(not balanced)"]),
        (False, False, ["catching up", "(catching up)"]),
    ],
)
def test_says_in_words_how_it_stands(
    capsys: pytest.CaptureFixture[str], caught_up: bool, balanced: bool, words: list[str]
) -> None:
    show(_answer(caught_up=caught_up, balanced=balanced), is_running=True)
    # The line may be wrapped anywhere.
    printed = " ".join(capsys.readouterr().out.split())
    for word in (*words, "12,345 records", "lag_rows", "1.2 s", "3.2 s ago"):
        assert word in printed
