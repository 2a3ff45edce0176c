"""Rules changed while traffic goes on: the command, its difference, and what readers see."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from settings.load import CONF_DIR
from streaming.files import local_path
from streaming.runtime import Runtime
from streaming.sources import read_table
from tests.e2e.app import App
from tests.e2e.test_faults import QUICK_SESSIONS, kill, stop, verify_lake

pytestmark = pytest.mark.integration

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"
SUSPECT = f"{BROWSER} Quokka/1.0"
PAST = datetime.now(UTC) - timedelta(days=3)
EVENTS = 400


def _event(number: int, time_: datetime, agent: str, **fields: Any) -> bytes:
    event = {
        "event_id": f"{time_.date()}/{number}",
        "event_type": "page_view",
        "event_timestamp": time_.isoformat(),
        "anonymous_id": f"visitor-{number % 40}",
        "page_url": f"https://shop.example/{number % 9}",
        "user_agent": agent,
        **fields,
    }
    return json.dumps(event).encode()


def _past(number: int) -> bytes:
    """Half of the visitors wear the suspect agent; a quarter comes from a partner."""
    agent = SUSPECT if number % 2 else BROWSER
    fields = {"referrer": "https://partner.example/"} if number % 4 == 0 else {}
    return _event(number, PAST + timedelta(seconds=number), agent, **fields)


class Background:
    """A thread that does something again and again until the block ends, and must not fail."""

    def __init__(self, act: Any, pause_s: float) -> None:
        self._act, self._pause_s = act, pause_s
        self._stopped = threading.Event()
        self.error: BaseException | None = None
        self.times = 0

    def __enter__(self) -> Background:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stopped.wait(self._pause_s):
                self._act()
                self.times += 1
        except BaseException as error:
            self.error = error


@pytest.fixture
def app(tmp_path: Path, kafka_broker: str) -> App:
    rules = tmp_path / "rules"
    shutil.copytree(CONF_DIR / "rules", rules)
    env = QUICK_SESSIONS | {"WEB_ANALYTICS_RULES__FOLDER": str(rules)}
    return App(tmp_path, kafka_broker, f"rebuild_{time.time_ns()}", env)


@pytest.fixture
def process(app: App) -> Iterator[subprocess.Popen[bytes]]:
    process = app.start()
    yield process
    if process.poll() is None:
        kill(process)


def _change_rules(app: App) -> None:
    bots, channels = (app.folder / "rules" / f"{name}.yaml" for name in ("bots", "channels"))
    text = bots.read_text()
    assert "patterns:\n" in text
    added = "patterns:\n  - name: quokka\n    regex: Quokka/\n"
    bots.write_text(text.replace("patterns:\n", added, 1))
    text = channels.read_text()
    assert "channel: Referral\n" in text
    channels.write_text(text.replace("channel: Referral\n", "channel: Partners\n", 1))


def test_changed_rules_reach_the_past_while_traffic_goes_on(
    app: App, process: subprocess.Popen[bytes], spark: SparkSession
) -> None:
    producer = Producer({"bootstrap.servers": app.bootstrap})
    for number in range(EVENTS):
        producer.produce(app.topic, _past(number))
    assert producer.flush(30) == 0
    app.wait_until_caught_up(process)

    runtime = Runtime(spark, app.settings)
    table = str(local_path(runtime.table("silver.events")))
    past = [("event_date", "<=", (PAST + timedelta(days=1)).date())]
    seen: list[set[str]] = []

    def look() -> None:
        rows = DeltaTable(table).to_pyarrow_table(columns=["rules_version"], filters=past)
        assert rows.num_rows == EVENTS
        seen.append(set(rows["rules_version"].to_pylist()))

    sent = 0

    def send() -> None:
        nonlocal sent
        producer.produce(app.topic, _event(sent, datetime.now(UTC), SUSPECT))
        producer.poll(0)
        sent += 1

    _change_rules(app)
    span = ("--from", PAST.date().isoformat(), "--to", str((PAST + timedelta(days=2)).date()))
    with Background(look, 0.05) as reader, Background(send, 0.02) as traffic:
        dry = app.run("rebuild", *span, "--dry-run", "--json")
        done = app.run("rebuild", *span, "--json")
        sent_meanwhile = sent
    assert (reader.error, traffic.error) == (None, None)
    assert producer.flush(30) == 0
    app.wait_until_caught_up(process)
    assert process.poll() is None, app.read_log()

    # The difference is right, and what was foretold.
    assert done["changes"] == dry["changes"]
    changes = {(one["table"], one["metric"]): one for one in done["changes"]}
    assert changes["silver.events", "events with bot_reason extra_rule"]["after"] == EVENTS / 2
    assert changes["silver.events", "events with channel Partners"]["after"] == EVENTS / 4
    views = changes["gold.pages", "page_views (people)"]
    assert (views["before"], views["after"]) == (EVENTS, EVENTS / 2)

    # A reader saw all old or all new, and both.
    assert all(len(versions) == 1 for versions in seen)
    assert len(set.union(*seen)) == 2

    # Traffic went on, and is judged by the new rules.
    assert sent_meanwhile > 0
    live = read_table(runtime, "silver.events").where(f"event_date > date'{PAST.date()}'")
    assert live.where("event_time > now() - interval 1 day").count() == sent
    assert stop(process) == 0
    verify_lake(app, spark)
    ledger = app.run("status", "--json")["ledger"]
    assert ledger["balanced"]
    assert ledger["records"] == EVENTS + sent
