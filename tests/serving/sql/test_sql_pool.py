"""The process for SQL as it really runs: a bomb ends with it, metric queries and the next statement
go on."""

from __future__ import annotations

import asyncio
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving.app import create_app
from serving.errors import Busy
from serving.gold_reader import GoldReader
from serving.sql.pool import SqlPool, make_environment
from serving.sql.request import SqlRequest
from settings.model import LakeSettings, Settings
from settings.section import SparkSettings
from settings.sql import SqlSettings
from tests.serving.fakes import make_settings
from tests.serving.test_answers import WHOLE
from tests.serving.test_errors import assert_shape

# One row, one expression: no cancelled job of Spark would ever end it.
ENDLESS = (
    "SELECT aggregate(sequence(1, 1000000), 0L, (a, x) -> a + "
    "aggregate(sequence(1, 1000000), 0L, (b, y) -> b + 1 + id)) FROM range(2)"
)
GREEDY = "SELECT collect_list(repeat(CAST(id AS STRING), 2000)) FROM range(10000000)"


def make_sql_settings(lake: str, **sql: Any) -> Settings:
    spark = SparkSettings(master="local[2]", driver_memory="512m")
    given = SqlSettings(**{"spark": spark, "timeout_s": 300, "start_timeout_s": 300, **sql})
    settings = make_settings(sql=given, query_timeout_s=300)
    return settings.model_copy(update={"lake": LakeSettings(root=lake)})


def wait_until_gone(group: int | None) -> None:
    """The process and its JVM, which are a group of processes."""
    deadline = time.monotonic() + 30
    while list_running(group):
        assert time.monotonic() < deadline, list_running(group)
        time.sleep(0.05)


def list_running(group: int | None) -> list[str]:
    """State of each process of a group that is more than an entry waiting to be collected."""
    found = subprocess.run(
        ["ps", "-A", "-o", "pgid=,stat=,comm="], capture_output=True, text=True, check=True
    )
    lines = [line.split() for line in found.stdout.splitlines()]
    return [line[2] for line in lines if line[0] == str(group) and line[1][0] not in "ZX"]


def test_statements_run_and_bombs_end(reader: GoldReader, lake: str) -> None:
    app = create_app(make_sql_settings(lake), reader)
    with TestClient(app) as api, ThreadPoolExecutor(1) as threads:

        def ask(sql: str) -> Any:
            return api.post("/query", json={"sql": sql})

        sites = "SELECT DISTINCT site_id FROM silver.events ORDER BY site_id"
        answer = ask(sites).json()
        assert answer["rows"] == [["blog"], ["shop"]]
        assert answer["columns"] == [{"name": "site_id", "type": "string"}]
        assert answer["meta"]["versions"] == {"silver.events": 0}
        assert_shape(ask("DROP TABLE silver.events"), 422, "sql_refused")
        assert "try_divide" in assert_shape(ask("SELECT 1/0"), 422, "sql_invalid")["message"]

        pool: SqlPool = app.state.sql_pool
        of_a_key = SqlRequest(sites, 10, reader.read_states(), ("shop",))
        assert api.portal
        assert api.portal.call(pool.run, of_a_key)["rows"] == [["shop"]]
        first = pool.pid
        assert list_running(first)
        pool.timeout_s = 2
        bomb = threads.submit(ask, ENDLESS)
        while True:  # metric queries go on
            assert api.get("/pages", params=WHOLE).json()["data"]
            if bomb.done():
                break
        error = assert_shape(bomb.result(), 504, "query_timeout")
        assert "serving.sql.timeout_s" in error["message"]
        wait_until_gone(first)

        pool.timeout_s = 300
        assert ask("SELECT 1").json()["rows"] == [[1]]
        second = pool.pid
        assert second not in (None, first)
        assert_shape(ask(GREEDY), 422, "sql_too_heavy")
        wait_until_gone(second)
    assert pool.pid is None


def test_the_line_is_bounded(lake: str) -> None:
    async def run() -> None:
        pool = SqlPool(make_sql_settings(lake, max_queued=0, start_timeout_s=0.01))
        first = asyncio.ensure_future(pool.run(SqlRequest("SELECT 1", 1, {})))
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await pool.run(SqlRequest("SELECT 1", 1, {}))
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await pool.close()

    asyncio.run(run())


def test_the_process_knows_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_ANALYTICS_SERVING__API_KEYS", '["pa55"]')
    monkeypatch.setenv("WEB_ANALYTICS_SERVING__CACHE__REDIS_URL", "redis://:pa55@host")
    monkeypatch.setenv("WEB_ANALYTICS_CACHE_DIR", "/cache")
    environment = make_environment("/folder")
    assert "pa55" not in str(environment)
    assert environment["WEB_ANALYTICS_CACHE_DIR"] == "/cache"
    assert environment["TMPDIR"] == "/folder"
