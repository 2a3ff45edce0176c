"""Puts events into Kafka as fast as they go, or at a steady rate, stamped with the time of sending.

From `bench/generate.py`'s event lines to the topic; returns only when the broker has them all.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable

from confluent_kafka import KafkaError, Message, Producer

from bench.generate import make_event, stamp

_TICK_S = 0.05
_EVENTS_PER_VISITOR = 6


def make_producer(bootstrap_servers: str, *, linger_ms: int = 20) -> Producer:
    """A producer that neither loses nor repeats."""
    return Producer(
        {
            "bootstrap.servers": bootstrap_servers,
            "enable.idempotence": True,
            "linger.ms": linger_ms,
            "batch.size": 512 * 1024,
            "compression.type": "lz4",
            "queue.buffering.max.messages": 200_000,
            "log_level": 2,  # what goes wrong comes back with the delivery
        }
    )


def send_all(producer: Producer, topic: str, events: Iterable[bytes]) -> int:
    """Send a backlog; how many the broker acknowledged."""
    failed: list[KafkaError] = []

    def note(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failed.append(error)

    count = 0
    for event in events:
        value = stamp(event, time.time_ns() // 1_000_000)
        while True:
            try:
                producer.produce(topic, value, on_delivery=note)
                break
            except BufferError:  # the queue is full: let the broker catch up
                producer.poll(0.05)
        count += 1
        if count % 1000 == 0:
            producer.poll(0)
    _flush(producer)
    if failed:
        raise RuntimeError(f"{len(failed)} of {count} events were not taken by Kafka: {failed[0]}")
    return count


def make_ordinary(rng: random.Random, number: int, rate: int) -> bytes:
    """The event with this number in steady traffic of so many per second."""
    # A window that moves on: each visitor stays for about half a minute.
    visitor = (number + rng.randrange(30 * rate)) // _EVENTS_PER_VISITOR
    return make_event(rng, f"steady-{visitor}")


def send_steadily(
    producer: Producer,
    topic: str,
    rate: int,
    should_stop: Callable[[], bool],
    seed: int,
    make: Callable[[random.Random, int, int], bytes] = make_ordinary,
) -> int:
    """Send new events at `rate` per second until told to stop; how many were sent.

    The pace is kept against the clock, so a late tick is made up for and never lost.
    make: the generator, the event's number and the rate -> the event's line.
    """
    rng = random.Random(seed)
    started, sent = time.monotonic(), 0
    while not should_stop():
        due = int((time.monotonic() - started) * rate) - sent
        for number in range(sent, sent + due):
            event = make(rng, number, rate)[:-1]
            producer.produce(topic, stamp(event, time.time_ns() // 1_000_000))
        sent += due
        producer.poll(_TICK_S)
    _flush(producer)
    return sent


def _flush(producer: Producer) -> None:
    left = producer.flush(60)
    if left:
        raise RuntimeError(f"Kafka did not take {left} events within 60 s: is the broker alive?")
