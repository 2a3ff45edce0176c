"""The lake, the API over it, and a real Redis, each once for all tests of the serving package."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from pyspark.sql import SparkSession

from embedded.ports import find_free_port
from embedded.process import die_with_parent
from embedded.redis import has_redis, prepare_redis
from serving.app import create_app
from serving.gold_reader import GoldReader
from serving.session import tune_session
from serving.sql.engine import SqlEngine, SqlLimits
from tests.serving.fakes import REDIS_TIMEOUT_S, make_settings
from tests.serving.lake import write_lake


@pytest.fixture(scope="session")
def reading_spark(spark: SparkSession) -> SparkSession:
    """A session of its own, as the API has it."""
    return tune_session(spark.newSession(), {})


@pytest.fixture(scope="session")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> str:
    # Data folders may have any name.
    root = f"file://{tmp_path_factory.mktemp('serving') / 'my lake 100%'}"
    write_lake(spark, root)
    return root


@pytest.fixture(scope="session")
def reader(reading_spark: SparkSession, lake: str) -> GoldReader:
    return GoldReader(reading_spark, lake)


@pytest.fixture(scope="session")
def api(reader: GoldReader) -> Iterator[TestClient]:
    """The API over the lake, without a cache."""
    # Whoever tests on a busy machine waits longer, but gets the same numbers.
    with TestClient(create_app(make_settings(query_timeout_s=300), reader)) as client:
        yield client


@pytest.fixture(scope="session")
def engine(spark: SparkSession, lake: str) -> SqlEngine:
    """What runs SQL of users, as its process has it, in the session of the test run."""
    session = tune_session(spark.newSession(), {})
    limits = SqlLimits(max_length=20_000, max_bytes=10_000_000, max_scan_bytes=10_000_000)
    return SqlEngine(session, GoldReader(session, lake), limits)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = find_free_port()
    server = subprocess.Popen(
        prepare_redis(tmp_path_factory.mktemp("redis"), port),
        stdout=subprocess.DEVNULL,
        preexec_fn=die_with_parent(),
    )
    try:
        deadline = time.monotonic() + REDIS_TIMEOUT_S
        while not has_redis(port):
            assert server.poll() is None
            assert time.monotonic() < deadline, "Redis does not answer"
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(REDIS_TIMEOUT_S)
