"""What every test may ask for, one Spark session and one Kafka broker; and who runs which tests.

`make test` has two workers, each with a session and, if it needs one, a broker of its own. A worker
takes the tests of one group after the other: whole chains are one group, so that two of them never
share the cores, and the tests of the API another, for they share a lake. The rest goes by file.
"""

from __future__ import annotations

import logging
import os
import subprocess
import time
from collections.abc import Iterator

import pytest
import structlog
from pyspark.sql import SparkSession
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from embedded.jars import spark_jars
from embedded.java import java_home
from embedded.kafka import has_broker, prepare_broker
from embedded.ports import find_free_port
from embedded.process import die_with_parent
from settings.model import KafkaSettings, Settings, StreamSettings
from settings.section import SparkSettings
from streaming.session import build_session

_BROKER_TIMEOUT_S = 120
# The groups that take longest begin first.
_FOLDERS_AS_GROUPS = ("tests/e2e", "tests/serving")

# Tracebacks as the product logs them; drawn with all local variables, one takes a second.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)


class _ByGroup(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return _find_group(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Who of the workers runs which tests."""
    return _ByGroup(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Longest groups first; within a group as they stand."""
    items.sort(key=lambda item: _rank(_find_group(item.nodeid)))


def _find_group(nodeid: str) -> str:
    """The folder or the file whose tests one worker runs one after the other."""
    file = nodeid.partition("::")[0]
    return next((name for name in _FOLDERS_AS_GROUPS if file.startswith(f"{name}/")), file)


def _rank(group: str) -> int:
    return (*_FOLDERS_AS_GROUPS, group).index(group)


@pytest.fixture
def restored_logging() -> Iterator[None]:
    """Logging as it was, after a test that configures it."""
    root = logging.getLogger()
    handlers, level, config = root.handlers, root.level, structlog.get_config()
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.configure(**config)
    structlog.contextvars.clear_contextvars()


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """The product's own Spark session: Delta, UTC, 2 shuffle partitions, no UI."""
    os.environ["JAVA_HOME"] = str(java_home())
    folder = tmp_path_factory.mktemp("spark")
    settings = Settings(
        stream=StreamSettings(shuffle_partitions=2),
        spark=SparkSettings(
            master="local[2]",
            driver_memory="5g",
            conf={
                # Each test's lake is 20 tables, whose snapshots Delta would keep for an hour.
                "spark.databricks.delta.delta.log.cacheSize": "60",
                "spark.sql.warehouse.dir": f"file://{folder}/warehouse",
                "spark.local.dir": str(folder),
            },
        ),
    )
    session = build_session(settings, spark_jars())
    yield session
    session.stop()


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap servers of a broker of our own, without any topic; use your own topic names."""
    folder, port = tmp_path_factory.mktemp("kafka"), find_free_port()
    bootstrap = f"127.0.0.1:{port}"
    argv = prepare_broker(folder, port, KafkaSettings())
    with (folder / "kafka.log").open("wb") as log:
        broker = subprocess.Popen(
            argv, stdout=log, stderr=subprocess.STDOUT, preexec_fn=die_with_parent()
        )
    try:
        deadline = time.monotonic() + _BROKER_TIMEOUT_S
        while not has_broker(bootstrap):
            assert broker.poll() is None, (folder / "kafka.log").read_text()
            assert time.monotonic() < deadline, "the broker does not answer"
        yield bootstrap
    finally:
        broker.kill()
        broker.wait()
