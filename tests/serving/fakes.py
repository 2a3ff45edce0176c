"""Stand-ins for the lake: a reader that says what a test wants, and settings for it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from fastapi.testclient import TestClient

from schemas.history import Floor
from serving.commit_times import Commits
from serving.delta_log import TableState
from serving.errors import ServingError
from serving.gold_reader import TABLES, States
from serving.queries import Statement
from serving.sql.request import SqlRequest
from settings.model import CacheSettings, ServingSettings, Settings

REDIS_TIMEOUT_S = 20.0

READY: States = {
    name: TableState(3, f"commit-of-{name}", said={"as_of": "2015-05-20T12:00:00Z"})
    for name in TABLES
}

# Versions 0 to 3 of every table, a day apart; the one in READY is the last.
DAY_MS = 86_400_000
FIRST_COMMIT = datetime(2015, 5, 17, 12, tzinfo=UTC)
FIRST_COMMIT_MS = int(FIRST_COMMIT.timestamp()) * 1000
COMMITS = Commits(0, tuple(FIRST_COMMIT_MS + day * DAY_MS for day in range(4)), 0)

BUCKET = "2015-05-17T00:00:00Z"
# What is no number in an answer.
_TEXTS = {"bucket": BUCKET, "profile": "{}"}


class FakeReader:
    """A lake without Spark: one row for every statement, or `error`, once `may_answer` is set."""

    def __init__(self, states: States | None = None, error: Exception | None = None) -> None:
        self.states = READY if states is None else states
        self.error = error
        self.states_error: ServingError | None = None
        self.statements: list[Statement] = []
        self.cancelled: list[str] = []
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.asked = threading.Semaphore(0)
        self.commits = COMMITS
        self.floors: dict[str, Floor] = {}
        self.is_holding = False

    def read_commits(self, name: str, state: TableState, until: datetime | None) -> Commits:
        assert state == self.states[name]
        assert until is None or until.tzinfo
        return self.commits

    def read_state(self, name: str, version: int) -> TableState | None:
        return TableState(version, f"commit-{version}-of-{name}")

    def read_floors(self) -> dict[str, Floor]:
        return self.floors

    def read_states(self) -> States:
        if self.states_error:
            raise self.states_error
        return self.states

    def run(self, statement: Statement, states: States, job_group: str) -> list[tuple[Any, ...]]:
        assert set(statement.tables) <= set(states)
        assert job_group
        self.statements.append(statement)
        self.asked.release()
        assert self.may_answer.wait(30)
        if self.error:
            raise self.error
        return [tuple(_TEXTS.get(name, number) for number, name in enumerate(statement.columns))]

    def hold_all(self) -> None:
        self.is_holding = True

    def open_table(self, name: str, state: TableState) -> Any:
        assert self.states[name] == state
        return SimpleNamespace(schema=SimpleNamespace(fields=[]))

    def cancel(self, job_group: str) -> None:
        self.cancelled.append(job_group)
        self.may_answer.set()


class FakePool:
    """The process for SQL of users, without one: it has one answer, or `error`."""

    def __init__(self) -> None:
        self.asked: list[SqlRequest] = []
        self.error: ServingError | None = None

    async def run(self, request: SqlRequest) -> dict[str, Any]:
        self.asked.append(request)
        if self.error:
            raise self.error
        return {
            "columns": [{"name": "x", "type": "int"}, {"name": "x", "type": "string"}],
            "rows": [[1, "a"], [2, None]],
            "truncated": True,
            "tables": ["gold.pages", "silver.page_views"],
            "elapsed_ms": 12,
        }

    def prepare(self) -> None:
        pass

    async def close(self) -> None:
        pass


def make_cache(redis_url: str | None, **cache: Any) -> CacheSettings:
    """A machine that is busy with other tests keeps a working Redis from answering in time."""
    return CacheSettings(**{"redis_url": redis_url, "timeout_s": REDIS_TIMEOUT_S, **cache})


def make_settings(redis_url: str | None = None, **serving: Any) -> Settings:
    return Settings(
        data_dir="no-such-folder",
        serving=ServingSettings(
            **{"allow_anonymous": True, "cache": make_cache(redis_url), **serving}
        ),
    )


def wait_until_ready(api: TestClient) -> None:
    """The warm-up is over."""
    deadline = time.monotonic() + 60
    while api.get("/health/ready").status_code != 200:
        assert time.monotonic() < deadline, api.get("/health/ready").text
