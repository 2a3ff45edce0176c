"""spark-submit.sh against a standalone master and worker, started from pyspark's classes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyspark
import pytest
import yaml
from confluent_kafka import Producer
from deltalake import DeltaTable

from bench.broker import run_broker
from embedded.cache import CACHE_VARIABLE
from embedded.java import java_home
from embedded.ports import LOOPBACK, find_free_port

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = str(ROOT / "spark-submit.sh")
TOPIC = "topic_web_events"
EVENTS = 50


@pytest.mark.integration
def test_the_app_runs_on_a_standalone_cluster(tmp_path: Path) -> None:
    with ExitStack() as running:
        bootstrap_servers = running.enter_context(run_broker(tmp_path / "kafka", (TOPIC,)))
        _send_events(bootstrap_servers)
        master = running.enter_context(_run_cluster(tmp_path))
        answer = _submit(master, _write_config(tmp_path, bootstrap_servers), "--available-now")
        assert answer.returncode == 0, answer.stderr[-4000:]

    events = DeltaTable(tmp_path / "lake" / "silver" / "events").to_pandas()
    assert len(events) == EVENTS
    assert len(DeltaTable(tmp_path / "lake" / "bronze" / "dead_letters").to_pandas()) == 1
    pages = DeltaTable(tmp_path / "lake" / "gold" / "pages").to_pandas()
    assert pages["page_views"].sum() == EVENTS
    assert any((tmp_path / "worker").glob("app-*")), "no executor of this app ran on the worker"


def test_the_script_explains_itself_and_refuses_what_cannot_work(tmp_path: Path) -> None:
    assert "--ship-python" in _run(SCRIPT, "--help").stdout
    assert "--master is missing" in _run(SCRIPT).stderr
    missing = str(tmp_path / "none.yaml")
    assert missing in _run(SCRIPT, "--master", "local[1]", "--config", missing).stderr
    cluster = _run(SCRIPT, "--master", "yarn", "--deploy-mode", "cluster")
    assert cluster.returncode == 2
    assert "--ship-python" in cluster.stderr
    hidden = _run(
        *(SCRIPT, "--master", "yarn", "--deploy-mode", "cluster", "--ship-python"),
        WEB_ANALYTICS_KAFKA__TOPIC="other",
    )
    assert hidden.returncode == 2
    assert "WEB_ANALYTICS_KAFKA__TOPIC" in hidden.stderr


def _send_events(bootstrap_servers: str) -> None:
    producer = Producer({"bootstrap.servers": bootstrap_servers})
    for number in range(EVENTS):
        event = {
            "event_id": f"event-{number}",
            "event_type": "page_view",
            "event_timestamp": "2026-01-05T10:00:00Z",
            "anonymous_id": f"visitor-{number % 5}",
            "page_url": f"https://www.example.com/page/{number % 7}",
        }
        producer.produce(TOPIC, json.dumps(event).encode())
    producer.produce(TOPIC, b"not an event")
    assert producer.flush(30) == 0


def _write_config(folder: Path, bootstrap_servers: str) -> Path:
    settings = yaml.safe_load((ROOT / "conf" / "cluster.yaml").read_text(encoding="utf-8"))
    settings["lake"] = {
        "root": (folder / "lake").as_uri(),
        "checkpoints": (folder / "checkpoints").as_uri(),
    }
    settings["kafka"] = {"bootstrap_servers": bootstrap_servers}
    settings["stream"]["shuffle_partitions"] = 2
    file = folder / "cluster.yaml"
    file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return file


def _submit(master: str, config: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return _run(
        *(SCRIPT, "--master", master, "--config", str(config), "--executor-memory", "1g"),
        *("--conf", f"spark.driver.host={LOOPBACK}", "--", *options),
        SPARK_LOCAL_IP=LOOPBACK,
    )


def _run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    # Nothing that this machine's user may have set, except where the downloads are.
    kept = {
        name: value
        for name, value in os.environ.items()
        if name == CACHE_VARIABLE or not name.startswith("WEB_ANALYTICS_")
    }
    return subprocess.run(
        command, capture_output=True, text=True, timeout=600, check=False, env=kept | variables
    )


@contextmanager
def _run_cluster(folder: Path) -> Iterator[str]:
    """A standalone master and one worker on loopback; yields the master's URL."""
    port = find_free_port()
    url = f"spark://{LOOPBACK}:{port}"
    with ExitStack() as running:
        master = ("master.Master", "--host", LOOPBACK, "--port", str(port), "--webui-port", "0")
        running.enter_context(_run_class(folder / "master.log", *master))
        _wait_for(lambda: _is_open(port), "the master to listen")
        log = folder / "worker.log"
        worker = ("worker.Worker", "--host", LOOPBACK, "--cores", "2", "--memory", "2g")
        place = ("--webui-port", "0", "--work-dir", str(folder / "worker"), url)
        running.enter_context(_run_class(log, *worker, *place))
        registered = "Successfully registered with master"
        _wait_for(lambda: registered in log.read_text(errors="replace"), "the worker to register")
        yield url


@contextmanager
def _run_class(log: Path, name: str, *arguments: str) -> Iterator[None]:
    home = Path(pyspark.__file__).parent
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(home / "bin" / "spark-class"), f"org.apache.spark.deploy.{name}", *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={
                **os.environ,
                "JAVA_HOME": str(java_home()),
                "SPARK_LOCAL_IP": LOOPBACK,
                "SPARK_DAEMON_MEMORY": "512m",
            },
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def _wait_for(is_met: Callable[[], bool], what: str, limit_s: float = 60) -> None:
    deadline = time.monotonic() + limit_s
    while not is_met():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.1)
