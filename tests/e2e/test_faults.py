"""The app under faults: killed under load, poisoned, left without traffic."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from pyspark.sql import SparkSession

from streaming.delta_log import latest_version
from streaming.ledger import verify
from streaming.progress import count_behind, interrupted_flows
from streaming.runtime import Runtime
from streaming.sources import read_table
from tests.e2e.app import App, wait_until

# Sessions close within seconds, so that a test can see it.
QUICK_SESSIONS = {
    "WEB_ANALYTICS_SESSION__GAP_S": "15",
    "WEB_ANALYTICS_SESSION__ALLOWED_LATENESS_S": "5",
    "WEB_ANALYTICS_SESSION__READ_SKEW_S": "2",
    "WEB_ANALYTICS_STREAM__HEARTBEAT_S": "2",
}
_EVENTS_PER_S = 500
KILLS = int(os.environ.get("TEST_KILLS", "20"))


class Traffic:
    """Live events with duplicates, late ones and rejects, sent as they are made."""

    def __init__(self, app: App, seed: int) -> None:
        self._producer = Producer({"bootstrap.servers": app.bootstrap, "linger.ms": 5})
        self._topic = app.topic
        self._random = random.Random(seed)
        self.sent = 0

    def send(self, events: int) -> None:
        for _ in range(events):
            record = self._make_record()
            copies = 2 if self._random.random() < 0.05 else 1
            for _ in range(copies):
                self._producer.produce(self._topic, record)
                self.sent += 1
        assert self._producer.flush(30) == 0

    def _make_record(self) -> bytes:
        if self._random.random() < 0.02:
            return b'{"event_id": "cut'
        late_s = self._random.choice([0] * 20 + [3, 30, 300, 90_000])
        event = {
            "event_id": uuid.UUID(int=self._random.getrandbits(128)).hex,
            "event_type": "page_view",
            "event_timestamp": int((time.time() - late_s) * 1000),
            "anonymous_id": f"visitor-{self._random.randrange(400)}",
            "page_url": f"https://example.com/page-{self._random.randrange(10)}",
            "load_time_ms": self._random.randrange(3000),
        }
        return json.dumps(event).encode()


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the app and its JVM at once, as a power cut would."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def stop(process: subprocess.Popen[bytes]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(60)


def verify_lake(app: App, spark: SparkSession, conflicts: int = 0) -> None:
    """Every check of `status --verify`: the ledger by coordinates, Gold against plain SQL.

    conflicts: copies that were sent with another body, which is no fault of ours.
    """
    # Sessions close by the clock: some may have, since all flows were level.
    if any(count_behind(app.settings).values()):
        app.drain()
    checks = {check.name: check.value for check in verify(Runtime(spark, app.settings))}
    assert checks.pop("duplicates_with_another_body") == conflicts
    assert checks
    assert {name: value for name, value in checks.items() if value != 0} == {}


@pytest.fixture
def app(tmp_path: Path, kafka_broker: str) -> App:
    return App(tmp_path, kafka_broker, f"faults_{uuid.uuid4().hex[:8]}", dict(QUICK_SESSIONS))


@pytest.fixture
def running() -> Iterator[list[subprocess.Popen[bytes]]]:
    """The processes a test has started; what is left of them is killed."""
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        if process.poll() is None:
            kill(process)


def kill_under_load(
    app: App, spark: SparkSession, running: list[subprocess.Popen[bytes]], kills: int
) -> None:
    traffic, moments = Traffic(app, seed=7), random.Random(7)
    interrupted = 0
    for _ in range(kills):
        process = app.start()
        running.append(process)
        deadline = time.monotonic() + moments.uniform(0, 15)
        # A steady load: what piles up must fit into the time between two kills.
        while time.monotonic() < deadline:
            traffic.send(50)
            time.sleep(50 / _EVENTS_PER_S)
        assert process.poll() is None, app.read_log()
        kill(process)
        interrupted += _count_unfinished(app) > 0
    process = app.start()
    running.append(process)
    traffic.send(200)
    app.wait_until_caught_up(process)
    ledger = app.run("status", "--json")["ledger"]
    assert ledger["records"] == traffic.sent
    assert ledger["balanced"]
    assert stop(process) == 0
    verify_lake(app, spark)
    # The fault fired: at least one kill cut a batch between its plan and its end.
    assert interrupted > 0


def _count_unfinished(app: App) -> int:
    return len(interrupted_flows(app.settings))


@pytest.mark.integration
def test_nothing_is_lost_or_doubled_when_killed_under_load(
    app: App, spark: SparkSession, running: list[subprocess.Popen[bytes]]
) -> None:
    kill_under_load(app, spark, running, kills=2)


@pytest.mark.integration
def test_nothing_is_lost_or_doubled_when_killed_many_times(
    app: App, spark: SparkSession, running: list[subprocess.Popen[bytes]]
) -> None:
    kill_under_load(app, spark, running, kills=KILLS)


POISON: dict[str, tuple[bytes | None, str]] = {
    "not UTF-8": (b'{"event_id": "\xff\xfe"}', "not_utf8"),
    "byte order mark": (b'\xef\xbb\xbf{"event_id": "a"}', "byte_order_mark"),
    "10 MB": (b'{"event_id": "' + b"a" * 10_000_000 + b'"}', "too_large"),
    "10,000 deep": (b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "too_deep"),
    "NaN": (b'{"event_id": "n", "value": NaN}', "not_json"),
    "duplicate keys": (b'{"event_id": "d", "event_id": "e"}', "duplicate_key"),
    "null": (b"null", "not_an_object"),
    "array": (b'[{"event_id": "r"}]', "not_an_object"),
    "empty": (b"", "empty"),
    "tombstone": (None, "tombstone"),
    "1e400": (
        b'{"event_id": "h", "event_type": "custom_event", "event_name": "n", "value": 1e400,'
        b' "event_timestamp": 1700000000000, "anonymous_id": "v"}',
        "invalid_number",
    ),
}


@pytest.mark.e2e
def test_poison_becomes_dead_letters_and_an_idle_site_closes_its_sessions(
    app: App, spark: SparkSession, running: list[subprocess.Popen[bytes]]
) -> None:
    process = app.start()
    running.append(process)
    producer = Producer({"bootstrap.servers": app.bootstrap, "message.max.bytes": 15_000_000})
    for value, _ in POISON.values():
        producer.produce(app.topic, value)
    assert producer.flush(30) == 0
    traffic = Traffic(app, seed=3)
    traffic.send(300)
    last_sent_at = time.time()

    # No more traffic: heartbeats alone must close what is open.
    runtime = Runtime(spark, app.settings)

    def is_closed() -> bool:
        assert process.poll() is None, app.read_log()
        if latest_version(runtime.table("silver.sessions")) < 1:
            return False
        events = read_table(runtime, "silver.events").count()
        counted = read_table(runtime, "silver.sessions").agg({"event_count": "sum"}).first()
        return counted is not None and counted[0] == events > 0

    wait_until(is_closed, "the last sessions do not close")
    took_s = time.time() - last_sent_at
    app.wait_until_caught_up(process)
    assert process.poll() is None, app.read_log()  # no flow went down
    assert stop(process) == 0

    letters = read_table(runtime, "bronze.dead_letters").select("raw", "reason").collect()
    found = {_identify(row.raw): row.reason for row in letters}
    for name, (value, reason) in POISON.items():
        assert found.get(_identify(value)) == reason, name
    verify_lake(app, spark)
    print_seconds("the last session closed after", took_s)  # a figure, not an assertion

    replayed = replay(app)
    assert sessions_of(replayed, spark) == sessions_of(app, spark)


def replay(app: App) -> App:
    """The same topic, worked through at once into another lake."""
    other = App(app.folder / "replay", app.bootstrap, app.topic, app.env)
    other.drain()
    return other


def sessions_of(app: App, spark: SparkSession) -> list[Any]:
    rows = read_table(Runtime(spark, app.settings), "silver.sessions").collect()
    return sorted(rows, key=lambda row: row.session_id)


def _identify(value: bytes | bytearray | None) -> bytes | None:
    return None if value is None else bytes(value)


def print_seconds(text: str, seconds: float) -> None:
    os.write(1, f"{datetime.now(UTC):%H:%M:%S} {text} {seconds:.1f} s\n".encode())
