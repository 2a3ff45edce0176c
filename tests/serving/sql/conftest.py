"""Statements for the engine, and a secret that none may read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from serving.sql.answer import Answer
from serving.sql.engine import SqlEngine
from serving.sql.request import SqlRequest
from tests.serving.sql.corpus import CANARY_TEXT

Ask = Callable[..., Answer]


@pytest.fixture(scope="session")
def ask(engine: SqlEngine) -> Ask:
    """Run a statement over the lake as it is."""

    def run(sql: str, limit: int = 100, **more: Any) -> Answer:
        return engine.run(SqlRequest(sql, limit, engine.reader.read_states(), **more))

    return run


@pytest.fixture(scope="session")
def canary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file whose text must be nowhere in an answer."""
    file = tmp_path_factory.mktemp("secret") / "canary.txt"
    file.write_text(CANARY_TEXT)
    return file
