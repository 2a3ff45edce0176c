"""Puts records into a Kafka topic and keeps the account of what the broker acknowledged.

From the commands `send` and `simulate` to the topic that `find_target` names; what goes wrong is a
`KafkaProblem` whose message says the remedy.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from settings.model import Settings

_CONNECT_TIMEOUT_S = 8
_DELIVERY_TIMEOUT_S = 60
_POLL_EVERY = 500
# The record itself is refused; the next one may well be taken.
_RECORD_ERRORS = frozenset(
    {KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_MSG, KafkaError.INVALID_RECORD}
)
_TOO_LARGE = "larger than the setting kafka.max_record_bytes, or than the topic takes"

OnDelivery = Callable[[KafkaError | None, Message], None]


class KafkaProblem(Exception):
    """Nothing (more) can be sent; the message names the address or topic, and the remedy."""


@dataclass(frozen=True)
class Target:
    """Where records go, and where that was said."""

    bootstrap_servers: str
    topic: str
    said_by: str


class ProducerClient(Protocol):
    """What of `confluent_kafka.Producer` is used; tests give a fake one."""

    def produce(
        self, topic: str, value: bytes | None, key: bytes | None, *, on_delivery: OnDelivery
    ) -> None: ...
    def poll(self, timeout: float) -> int: ...
    def flush(self, timeout: float) -> int: ...
    def purge(self) -> None: ...


def find_target(settings: Settings, bootstrap: str | None, topic: str | None) -> Target:
    """The options first, then the `run.json` of a running `up`, then the settings."""
    if bootstrap:
        return Target(bootstrap, topic or settings.kafka.topic, "--bootstrap")
    run_file = Path(settings.data_dir).expanduser() / "run.json"
    try:
        run = json.loads(run_file.read_text(encoding="utf-8"))
        return Target(run["kafka"], topic or run.get("topic", settings.kafka.topic), str(run_file))
    except FileNotFoundError:
        servers = settings.kafka.bootstrap_servers
        return Target(servers, topic or settings.kafka.topic, "the setting kafka.bootstrap_servers")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KafkaProblem(
            f"cannot read a Kafka address from {run_file} ({error!r}). "
            "Name the broker with --bootstrap host:port, or delete that file."
        ) from error


def open_sender(target: Target, settings: Settings) -> Sender:
    """Connect, and make sure that the topic is there. Raises KafkaProblem."""
    complaints: list[KafkaError] = []
    options: dict[str, Any] = {
        "bootstrap.servers": target.bootstrap_servers,
        "enable.idempotence": True,
        "acks": "all",
        "compression.type": "lz4",
        "linger.ms": 50,
        "batch.size": 256 * 1024,
        "message.max.bytes": settings.kafka.max_record_bytes,
        "queue.buffering.max.messages": 100_000,
        "queue.buffering.max.kbytes": 128 * 1024,
        "message.timeout.ms": _DELIVERY_TIMEOUT_S * 1000,
        "log_level": 2,  # a lost connection comes as an error here, not as a line on stderr
        "error_cb": complaints.append,
        **settings.kafka.options,
    }
    try:
        producer = Producer(options)
    except KafkaException as error:
        raise KafkaProblem(f"check the setting kafka.options: {error.args[0].str()}") from error
    try:
        topics = producer.list_topics(timeout=_CONNECT_TIMEOUT_S).topics
    except KafkaException as error:
        producer.poll(0)  # brings the complaints, which say more than the time-out
        reasons = [complaint.str() for complaint in complaints] or [error.args[0].str()]
        raise KafkaProblem(
            f"no Kafka broker answers at {target.bootstrap_servers} (from {target.said_by}): "
            f"{reasons[0]}. Is `web-analytics up` running? "
            "Another broker is named with --bootstrap host:port."
        ) from error
    if target.topic not in topics:
        known = sorted(name for name in topics if not name.startswith("__"))
        raise KafkaProblem(
            f"the broker at {target.bootstrap_servers} has no topic {target.topic!r} "
            f"(it has: {', '.join(known) or 'none'}). `web-analytics up` or `stream` creates the "
            "product's topic; another one is named with --topic."
        )
    return Sender(producer, target.topic)


class Sender:
    """Sends to one topic; `delivered` counts acknowledged records by label, `failed` by reason."""

    def __init__(self, producer: ProducerClient, topic: str) -> None:
        self.delivered: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self._is_broken = False
        self._producer = producer
        self._topic = topic
        self._handed = 0
        self._callbacks: dict[str, OnDelivery] = {}

    def send(self, value: bytes | None, key: bytes | None = None, label: str = "sent") -> None:
        """Hand over one record; waits while the queue is full.

        Raises KafkaProblem once the broker no longer takes records.
        """
        on_delivery = self._callbacks.get(label)
        if on_delivery is None:
            on_delivery = self._callbacks[label] = partial(self._note, label)
        while True:
            if self._is_broken:
                raise KafkaProblem(f"Kafka stopped taking records: {next(iter(self.failed))}")
            try:
                self._producer.produce(self._topic, value, key, on_delivery=on_delivery)
                break
            except BufferError:  # the queue is full: let the broker catch up
                self._producer.poll(0.1)
            except KafkaException as error:  # refused at once, before it was queued
                self._count_failure(error.args[0])
                return
        self._handed += 1
        if self._handed % _POLL_EVERY == 0:
            self._producer.poll(0)

    def wait_until(self, deadline: float) -> None:
        """Wait until `time.monotonic()` reaches the deadline, and take acknowledgements."""
        while (left := deadline - time.monotonic()) > 0:
            self._producer.poll(min(left, 0.5))

    def flush(self, timeout_s: float = _DELIVERY_TIMEOUT_S + 5) -> None:
        """Wait for all acknowledgements; records without one by then count as failed."""
        left = self._producer.flush(timeout_s)
        if left:
            self.failed[f"not acknowledged within {timeout_s:.0f} s"] += left
            self._producer.purge()

    def _note(self, label: str, error: KafkaError | None, _: Message) -> None:
        if error is None:
            self.delivered[label] += 1
        else:
            self._count_failure(error)

    def _count_failure(self, error: KafkaError) -> None:
        is_too_large = error.code() == KafkaError.MSG_SIZE_TOO_LARGE
        self.failed[_TOO_LARGE if is_too_large else error.str()] += 1
        self._is_broken = self._is_broken or error.code() not in _RECORD_ERRORS
