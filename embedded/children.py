"""The processes of one stack: Kafka, Redis, the streaming app, the API, sample traffic.

From the settings and the place a stack lives in to declarations for the supervisor; settings go to
our own processes by environment variables.
"""

from __future__ import annotations

import http.client
import json
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from embedded.child import Child
from embedded.errors import StackError
from embedded.kafka import create_topics, has_broker, prepare_broker
from embedded.ports import LOOPBACK
from embedded.progress import say
from embedded.redis import has_redis, prepare_redis
from settings.load import reveal
from settings.model import KafkaSettings, Settings

# The streaming app's share of the 20 s that a stop may take in all, and its batches' share of it.
_STREAM_STOP_S = 11.0
_STREAM_BATCH_STOP_S = 9.0
_JVM_READY_TIMEOUT_S = 600  # a busy small machine takes minutes
_REFUSES_TO_START = 3  # exit code of `web-analytics stream`: see cli/stream.py
_SAMPLE_TRAFFIC = ("--visitors", "200", "--rate", "20", "--forever")
# A past for the charts; only once, for each run makes new events.
_SAMPLE_HISTORY = ("--days", "3")


@dataclass(frozen=True)
class Place:
    """Where a stack lives: its folder, its ports, its local key."""

    data_dir: Path
    api_port: int
    kafka_port: int
    redis_port: int
    metrics_port: int
    api_key: str

    @property
    def api(self) -> str:
        return f"http://{LOOPBACK}:{self.api_port}"

    @property
    def kafka(self) -> str:
        return f"{LOOPBACK}:{self.kafka_port}"

    @property
    def metrics(self) -> str:
        return f"http://{LOOPBACK}:{self.metrics_port}/metrics"

    @property
    def redis(self) -> str:
        return f"redis://{LOOPBACK}:{self.redis_port}/0"


def plan_children(settings: Settings, place: Place, *, with_sample: bool) -> list[Child]:
    """The processes, in the order in which they start; they stop in reverse."""
    env = {
        "WEB_ANALYTICS_DATA_DIR": str(place.data_dir),
        "WEB_ANALYTICS_KAFKA__BOOTSTRAP_SERVERS": place.kafka,
        "WEB_ANALYTICS_KAFKA__REPLICATION_FACTOR": "1",
    }
    children = [
        _plan_kafka(settings.kafka, place),
        _plan_redis(place),
        _plan_stream(settings, place, env),
        _plan_api(settings, place, env),
    ]
    return [*children, _plan_sample(place, env)] if with_sample else children


def _plan_kafka(settings: KafkaSettings, place: Place) -> Child:
    topics = settings.model_copy(update={"bootstrap_servers": place.kafka, "replication_factor": 1})
    return Child(
        "kafka",
        prepare_broker(place.data_dir / "kafka", place.kafka_port, settings),
        lambda: has_broker(place.kafka) and _has_topics(topics),
        stop_timeout_s=4,
    )


def _plan_redis(place: Place) -> Child:
    return Child(
        "redis",
        prepare_redis(place.data_dir / "redis", place.redis_port),
        lambda: has_redis(place.redis_port),
        stop_timeout_s=1,
    )


def _plan_stream(settings: Settings, place: Place, env: dict[str, str]) -> Child:
    ready_file = place.data_dir / "run" / "stream.ready"
    stop_s = min(settings.stream.shutdown_timeout_s, _STREAM_BATCH_STOP_S)
    return Child(
        "stream",
        _command("stream"),
        ready_file.exists,
        env=env
        | {
            "WEB_ANALYTICS_READY_FILE": str(ready_file),
            "WEB_ANALYTICS_STREAM__SHUTDOWN_TIMEOUT_S": str(stop_s),
            "WEB_ANALYTICS_STREAM__METRICS_PORT": str(place.metrics_port),
        },
        after=("kafka",),
        fatal_exit_codes=frozenset({_REFUSES_TO_START}),
        ready_file=ready_file,
        ready_timeout_s=_JVM_READY_TIMEOUT_S,
        stop_timeout_s=_STREAM_STOP_S,
    )


def _plan_api(settings: Settings, place: Place, env: dict[str, str]) -> Child:
    keys = [*map(reveal, settings.serving.api_keys), place.api_key]
    return Child(
        "api",
        _command("serve"),
        lambda: _answers(f"{place.api}/health/ready"),
        env=env
        | {
            "WEB_ANALYTICS_SERVING__HOST": LOOPBACK,  # the local dashboard needs no key
            "WEB_ANALYTICS_SERVING__PORT": str(place.api_port),
            "WEB_ANALYTICS_SERVING__API_KEYS": json.dumps(keys),
            "WEB_ANALYTICS_SERVING__LOCAL_DASHBOARD": "true",
            "WEB_ANALYTICS_SERVING__CACHE__REDIS_URL": place.redis,
        },
        after=("kafka", "redis"),
        ready_timeout_s=_JVM_READY_TIMEOUT_S,
        stop_timeout_s=3,
    )


def _plan_sample(place: Place, env: dict[str, str]) -> Child:
    history = () if (place.data_dir / "lake").exists() else _SAMPLE_HISTORY
    return Child(
        "simulate",
        _command("simulate", *_SAMPLE_TRAFFIC, *history, "--bootstrap", place.kafka),
        lambda: True,
        env=env,
        after=("stream", "api"),
        on_death="ignore",
        stop_timeout_s=2,
    )


def _command(*arguments: str) -> tuple[str, ...]:
    # -P: the folder one happens to stand in must not shadow our packages.
    return (sys.executable, "-P", "-m", "cli.main", *arguments)


def _has_topics(settings: KafkaSettings) -> bool:
    """Whether the topics are there, made now if need be."""
    try:
        create_topics(settings)
    except StackError as error:
        say(str(error))  # a broker that has only just started may need another try
        return False
    return True


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, http.client.HTTPException):  # not there yet, or not ready: URLError is one
        return False
