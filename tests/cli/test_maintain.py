"""`web-analytics maintain`: whom it asks, what it prints, what it refuses."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import app_commands
from cli.main import app
from streaming.handlers import HANDLERS
from streaming.lock import LakeInUse
from streaming.maintenance.command import Done, Report

REPORT = Report(
    is_dry_run=True,
    at="2026-05-01T00:00:00+00:00",
    tables=[
        Done("gold.pages", files_before=12, files_after=12, folded=340, compacted=12, deleted=7),
        Done("bronze.events", files_before=3, files_after=3, notes=["not cleaned up: flow silver"]),
    ],
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What the app was asked, which answers with REPORT."""
    requests: list[tuple[str, dict[str, Any]]] = []

    def ask(_: Any, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
        requests.append((command, arguments))
        return asdict(REPORT)

    monkeypatch.setattr(app_commands, "_ask", ask)
    monkeypatch.setattr("streaming.report.is_app_running", lambda _: True)
    return requests


def _run(*args: str, data_dir: Path, **env: str) -> Any:
    arguments = ["maintain", *args, "--data-dir", str(data_dir)]
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "140", **env})


def test_the_running_app_is_asked(tmp_path: Path, asked: list[Any]) -> None:
    assert "maintain" in HANDLERS
    result = _run("--dry-run", data_dir=tmp_path)
    assert result.exit_code == 0, result.output
    assert asked == [("maintain", {"is_dry_run": True})]
    (line,) = (line for line in result.output.splitlines() if "gold.pages" in line)
    cells = [cell.strip() for cell in line.strip("│ ").split("│")]
    assert cells == ["gold.pages", "12", "12", "340", "12", "-", "7"]
    assert "would be" in result.output
    assert "bronze.events: not cleaned up: flow silver" in result.output


def test_json_is_the_report(tmp_path: Path, asked: list[Any]) -> None:
    result = _run("--json", data_dir=tmp_path)
    assert json.loads(result.stdout) == asdict(REPORT)
    assert asked == [("maintain", {"is_dry_run": False})]


def test_where_no_app_runs_it_holds_the_lake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> Any:
        raise LakeInUse("process 7 holds it")

    monkeypatch.setattr(app_commands, "_hold_and_do", refuse)
    result = _run(data_dir=tmp_path)
    assert result.exit_code == 1
    assert "process 7 holds it" in result.output


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("HISTORY_HOURS", "0.5", "retention.history_hours = '0.5'"),
        ("REALTIME_HOURS", "1", "retention.realtime_hours = '1'"),
        ("BRONZE_DAYS", "1", "retention.bronze_days = '1'"),
    ],
)
def test_what_is_not_safe_is_refused(tmp_path: Path, name: str, value: str, said: str) -> None:
    result = _run(data_dir=tmp_path, **{f"WEB_ANALYTICS_RETENTION__{name}": value})
    assert result.exit_code != 0
    assert said in str(result.exception)
