"""The bench's sender, against a producer that only pretends to be one."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench import send
from bench.generate import read_events, write_event_set
from bench.send import send_all, send_steadily


class FakeProducer:
    """Takes `room` events, then its queue is full until it is polled."""

    def __init__(self, room: int = 1_000_000, error: str | None = None) -> None:
        self.sent: list[bytes] = []
        self._room = self._left = room
        self._error = error

    def produce(self, _topic: str, value: bytes, on_delivery: Any = None) -> None:
        if self._left == 0:
            raise BufferError("queue full")
        self._left -= 1
        self.sent.append(value)
        if on_delivery:
            on_delivery(self._error, None)

    def poll(self, _timeout_s: float) -> None:
        self._left = self._room

    def flush(self, _timeout_s: float) -> int:
        return 0


def _events(folder: Path, count: int) -> list[bytes]:
    made = write_event_set(folder / "events.ndjson", 0, count, seed=1)
    return list(read_events(made.file, 0, count))


def test_a_full_queue_is_waited_for_and_nothing_is_lost(tmp_path: Path) -> None:
    producer: Any = FakeProducer(room=7)
    assert send_all(producer, "topic", _events(tmp_path, 50)) == 50
    assert len({json.loads(value)["event_id"] for value in producer.sent}) == 50


def test_a_refused_event_is_an_error(tmp_path: Path) -> None:
    producer: Any = FakeProducer(error="broker: message too large")
    with pytest.raises(RuntimeError, match="5 of 5 events .* message too large"):
        send_all(producer, "topic", _events(tmp_path, 5))


def test_the_steady_rate_is_kept_when_a_tick_comes_late(monkeypatch: pytest.MonkeyPatch) -> None:
    producer: Any = FakeProducer()
    # Start, then after 0.1 s, 0.2 s, and one tick that is two seconds late.
    monkeypatch.setattr(send.time, "monotonic", iter([100.0, 100.1, 100.2, 102.2]).__next__)
    sent = send_steadily(producer, "topic", 500, _after(3), seed=1)
    assert sent == len(producer.sent) == 1_100
    assert len({json.loads(value)["event_id"] for value in producer.sent}) == 1_100


def _after(calls: int) -> Callable[[], bool]:
    """False for so many calls, then true."""
    answers = itertools.chain([False] * calls, itertools.repeat(True))
    return lambda: next(answers)
