"""A Kafka producer that keeps what it is given, and fails as it is told."""

from __future__ import annotations

from confluent_kafka import KafkaError, KafkaException

from cli.kafka_producer import OnDelivery


class FakeProducer:
    """Takes `capacity` records between polls; `fail_with` maps a value to its delivery error."""

    def __init__(self, capacity: int = 10, fail_with: dict[bytes, int] | None = None) -> None:
        self.records: list[tuple[bytes | None, bytes]] = []
        self.is_stuck = False
        self._capacity = capacity
        self._fail_with = fail_with or {}
        self._queue: list[tuple[bytes, bytes | None, OnDelivery]] = []

    def produce(
        self, topic: str, value: bytes, key: bytes | None, *, on_delivery: OnDelivery
    ) -> None:
        assert topic == "events"
        if self._fail_with.get(value) == KafkaError.MSG_SIZE_TOO_LARGE:
            raise KafkaException(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE))
        if len(self._queue) >= self._capacity:
            raise BufferError("queue full")
        self._queue.append((value, key, on_delivery))

    def poll(self, timeout: float) -> int:  # noqa: ARG002  # the shape of confluent_kafka's
        if self.is_stuck:
            return 0
        served, self._queue = self._queue, []
        for value, key, on_delivery in served:
            code = self._fail_with.get(value)
            if code is None:
                self.records.append((key, value))
            on_delivery(None if code is None else KafkaError(code), None)  # type: ignore[arg-type]  # the message is not looked at
        return len(served)

    def flush(self, timeout: float) -> int:
        self.poll(timeout)
        return len(self._queue)

    def purge(self) -> None:
        self._queue = []
