"""`web-analytics stream` says why it ends, and by its exit code whether to start it again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from streaming.checkpoints import CheckpointError
from streaming.lock import LakeInUse
from streaming.maintenance.compact import CompactionFailed
from streaming.reject_limit import TooManyRejects
from streaming.run import FlowFailed


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FlowFailed("flow 'silver' has stopped: no space left"), 1),
        (CompactionFailed("compaction of 'gold.pages' has failed: no space left"), 1),
        (CheckpointError("checkpoints of another lake"), 3),
        (LakeInUse("process 7 holds it"), 3),
        (TooManyRejects("501 of the last 1,001 records"), 3),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_why_it_ends_is_told(
    error: Exception, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setenv("JAVA_HOME", "no-such-folder")
    monkeypatch.setattr("embedded.java.java_home", lambda: tmp_path)
    monkeypatch.setattr("embedded.jars.spark_jars", list)
    monkeypatch.setattr("embedded.kafka.create_topics", lambda _: None)
    monkeypatch.setattr("streaming.__main__.run", fail)
    result = CliRunner().invoke(app, ["stream", "--data-dir", str(tmp_path)])
    assert result.exit_code == code
    assert f"web-analytics: {error}" in result.output
    assert "Traceback" not in result.output
