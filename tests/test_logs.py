"""Logs: JSON away from a terminal, UTC, the flow on each line, the standard library's included."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta

import pytest
import structlog

from settings.logs import configure_logging
from settings.model import LogSettings, Settings

pytestmark = pytest.mark.usefixtures("restored_logging")


def read_lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def configure(**log: str) -> None:
    configure_logging(Settings(log=LogSettings.model_validate(log)))


def test_lines_are_json_with_utc_time_level_and_flow(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    structlog.get_logger("streaming.flow").bind(flow="bronze").info("batch done", rows=3)
    (line,) = read_lines(capsys)
    assert line["event"] == "batch done"
    assert (line["flow"], line["rows"], line["level"]) == ("bronze", 3, "info")
    assert line["logger"] == "streaming.flow"
    assert datetime.fromisoformat(line["timestamp"]).utcoffset() == timedelta(0)


def test_standard_library_goes_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    with structlog.contextvars.bound_contextvars(flow="silver"):
        logging.getLogger("somebody.else").warning("disk at %d %%", 91)
    (line,) = read_lines(capsys)
    assert (line["event"], line["flow"], line["level"]) == ("disk at 91 %", "silver", "warning")


def test_exception_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    try:
        raise ValueError("a\nb")
    except ValueError:
        structlog.get_logger().exception("failed")
    (line,) = read_lines(capsys)
    assert "ValueError: a\nb" in line["exception"]


def test_level_and_talkative_libraries(capsys: pytest.CaptureFixture[str]) -> None:
    configure(level="warning")
    structlog.get_logger("ours").info("too low")
    configure(level="debug")
    structlog.get_logger("ours").debug("shown")
    for name in ("uvicorn.access", "uvicorn.error", "py4j"):
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).error("trouble")
    assert [line["event"] for line in read_lines(capsys)] == ["shown", *["trouble"] * 3]


def test_human_format_is_for_reading(capsys: pytest.CaptureFixture[str]) -> None:
    configure(format="human")
    structlog.get_logger("ours").info("batch done", flow="bronze")
    text = capsys.readouterr().err
    assert "batch done" in text and "flow=bronze" in text
    assert not text.startswith("{")
