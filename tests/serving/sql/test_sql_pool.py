"""The process for SQL as it really runs: a bomb ends with it, the next statement finds another."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from serving.errors import Busy, QueryTimeout, SqlInvalid, SqlRefused, SqlTooHeavy
from serving.gold_reader import GoldReader
from serving.sql.pool import SqlPool, make_environment
from serving.sql.request import SqlRequest
from settings.model import LakeSettings, ServingSettings, Settings
from settings.section import SparkSettings
from settings.sql import SqlSettings

# One row, one expression: no cancelled job of Spark would ever end it.
ENDLESS = (
    "SELECT aggregate(sequence(1, 1000000), 0L, (a, x) -> a + "
    "aggregate(sequence(1, 1000000), 0L, (b, y) -> b + 1 + id)) FROM range(2)"
)
GREEDY = "SELECT collect_list(repeat(CAST(id AS STRING), 2000)) FROM range(10000000)"


def make_pool(lake: str, **sql: Any) -> SqlPool:
    spark = SparkSettings(master="local[2]", driver_memory="512m")
    given = SqlSettings(**{"spark": spark, "timeout_s": 300, "start_timeout_s": 300, **sql})
    return SqlPool(Settings(lake=LakeSettings(root=lake), serving=ServingSettings(sql=given)))


@asynccontextmanager
async def open_pool(lake: str, **sql: Any) -> AsyncIterator[SqlPool]:
    pool = make_pool(lake, **sql)
    try:
        yield pool
    finally:
        await pool.close()


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
    states = reader.read_states()

    async def run() -> None:
        async with open_pool(lake) as pool:

            async def ask(sql: str) -> dict[str, Any]:
                return await pool.run(SqlRequest(sql, 10, states, ("shop",)))

            answer = await ask("SELECT DISTINCT site_id FROM silver.events")
            assert answer["rows"] == [["shop"]]
            assert answer["columns"] == [{"name": "site_id", "type": "string"}]
            assert answer["tables"] == ["silver.events"]
            with pytest.raises(SqlRefused, match="DROP|drop"):
                await ask("DROP TABLE silver.events")
            with pytest.raises(SqlInvalid, match="try_divide"):
                await ask("SELECT 1/0")

            first = pool.pid
            assert first is not None
            assert list_running(first)
            pool.timeout_s = 2
            with pytest.raises(QueryTimeout, match="serving.sql.timeout_s"):
                await ask(ENDLESS)
            wait_until_gone(first)

            pool.timeout_s = 300
            assert (await ask("SELECT 1"))["rows"] == [[1]]
            second = pool.pid
            assert second not in (None, first)
            with pytest.raises(SqlTooHeavy):
                await ask(GREEDY)
            wait_until_gone(second)
        assert pool.pid is None

    asyncio.run(run())


def test_the_line_is_bounded(lake: str) -> None:
    async def run() -> None:
        async with open_pool(lake, max_queued=0, start_timeout_s=0.01) as pool:
            first = asyncio.ensure_future(pool.run(SqlRequest("SELECT 1", 1, {})))
            await asyncio.sleep(0)
            with pytest.raises(Busy):
                await pool.run(SqlRequest("SELECT 1", 1, {}))
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)

    asyncio.run(run())


def test_the_process_knows_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_ANALYTICS_SERVING__API_KEYS", '["pa55"]')
    monkeypatch.setenv("WEB_ANALYTICS_SERVING__CACHE__REDIS_URL", "redis://:pa55@host")
    monkeypatch.setenv("WEB_ANALYTICS_CACHE_DIR", "/cache")
    environment = make_environment("/folder")
    assert "pa55" not in str(environment)
    assert environment["WEB_ANALYTICS_CACHE_DIR"] == "/cache"
    assert environment["TMPDIR"] == "/folder"
