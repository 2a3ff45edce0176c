"""The embedded broker: its topics, its limits, and what a kill or a broken format leaves."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource

from embedded.errors import StackError
from embedded.kafka import create_topics, has_broker, prepare_broker
from embedded.ports import find_free_port
from embedded.process import die_with_parent
from settings.model import KafkaSettings
from tests.embedded.conftest import wait_until


def settings_for(bootstrap: str) -> KafkaSettings:
    name = f"events_{uuid.uuid4().hex[:8]}"
    return KafkaSettings(
        bootstrap_servers=bootstrap, topic=name, dead_letter_topic=f"{name}_dlq", partitions=3
    )


def read_config(bootstrap: str, topic: str) -> dict[str, str]:
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    client = AdminClient({"bootstrap.servers": bootstrap})
    answer = client.describe_configs([resource])
    return {name: entry.value for name, entry in answer[resource].result().items()}


def send(bootstrap: str, topic: str, value: bytes) -> None:
    problems: list[object] = []
    producer = Producer({"bootstrap.servers": bootstrap, "message.max.bytes": 64 * 1024 * 1024})
    producer.produce(topic, value, partition=0, on_delivery=lambda error, _: problems.append(error))
    assert producer.flush(60) == 0
    assert problems == [None]


def read_first(bootstrap: str, topic: str) -> bytes:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": uuid.uuid4().hex})
    consumer.assign([TopicPartition(topic, 0, 0)])
    try:
        message = consumer.poll(60)
        assert message is not None and message.error() is None
        return bytes(message.value() or b"")
    finally:
        consumer.close()


@contextmanager
def run_broker(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    argv = prepare_broker(folder, port, KafkaSettings())
    with (folder / "kafka.log").open("ab") as log:
        broker = subprocess.Popen(
            argv, stdout=log, stderr=subprocess.STDOUT, preexec_fn=die_with_parent()
        )
    try:
        wait_until(lambda: has_broker(f"127.0.0.1:{port}"))
        yield broker
    finally:
        broker.kill()
        broker.wait()


@pytest.mark.e2e
def test_topics_stamp_arrival_and_keep_all(kafka_broker: str) -> None:
    settings = settings_for(kafka_broker)
    assert sorted(create_topics(settings)) == [settings.topic, settings.dead_letter_topic]
    for topic in (settings.topic, settings.dead_letter_topic):
        config = read_config(kafka_broker, topic)
        assert config["message.timestamp.type"] == "LogAppendTime"
        assert config["retention.ms"] == "-1"
        assert int(config["max.message.bytes"]) >= settings.max_record_bytes
    cluster = AdminClient({"bootstrap.servers": kafka_broker}).list_topics(timeout=30)
    assert len(cluster.topics[settings.topic].partitions) == 3


@pytest.mark.e2e
def test_topics_that_exist_are_left_alone(kafka_broker: str) -> None:
    settings = settings_for(kafka_broker)
    create_topics(settings)
    bigger = settings.model_copy(update={"partitions": 9})
    assert create_topics(bigger) == []
    cluster = AdminClient({"bootstrap.servers": kafka_broker}).list_topics(timeout=30)
    assert len(cluster.topics[settings.topic].partitions) == 3


@pytest.mark.e2e
def test_record_of_the_greatest_size_passes(kafka_broker: str) -> None:
    settings = settings_for(kafka_broker)
    create_topics(settings)
    value = b"x" * settings.max_record_bytes
    send(kafka_broker, settings.topic, value)
    assert read_first(kafka_broker, settings.topic) == value


@pytest.mark.e2e
def test_records_survive_a_kill_and_an_interrupted_format(tmp_path: Path) -> None:
    folder, port = tmp_path / "kafka", find_free_port()
    half_formatted = folder / "data.part"
    half_formatted.mkdir(parents=True)
    (half_formatted / "meta.properties").write_text("cut in the mid")
    settings = settings_for(f"127.0.0.1:{port}")
    with run_broker(folder, port) as broker:
        create_topics(settings)
        send(settings.bootstrap_servers, settings.topic, b"before the kill")
        broker.kill()
    assert not half_formatted.exists()
    with run_broker(folder, port):
        assert read_first(settings.bootstrap_servers, settings.topic) == b"before the kill"
        assert create_topics(settings) == []


class SlowBrokers:
    """An admin client whose brokers name a topic only from the `after`-th time they are asked."""

    def __init__(self, after: int) -> None:
        self.after, self.asked = after, 0

    def create_topics(self, topics: list[Any], **_: object) -> dict[str, Future[None]]:
        answer: Future[None] = Future()
        answer.set_result(None)
        self.names = [topic.topic for topic in topics]
        return dict.fromkeys(self.names, answer)

    def list_topics(self, **_: object) -> SimpleNamespace:
        self.asked += 1
        named = self.names if self.asked >= self.after else self.names[:1]
        return SimpleNamespace(topics=dict.fromkeys(named, SimpleNamespace(error=None)))


def test_topics_are_waited_for_until_the_brokers_name_them(monkeypatch: pytest.MonkeyPatch) -> None:
    brokers = SlowBrokers(after=3)
    monkeypatch.setattr("embedded.kafka.AdminClient", lambda _: brokers)
    settings = settings_for("broker:9092")
    assert create_topics(settings) == [settings.topic, settings.dead_letter_topic]
    assert brokers.asked == 3


def test_topics_that_no_broker_names_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embedded.kafka._ADMIN_TIMEOUT_S", 0)
    monkeypatch.setattr("embedded.kafka.AdminClient", lambda _: SlowBrokers(after=10**9))
    settings = settings_for("broker:9092")
    with pytest.raises(StackError, match=f"'broker:9092' do not name {settings.dead_letter_topic}"):
        create_topics(settings)


def test_brokers_lost_after_the_creation_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class LostBrokers(SlowBrokers):
        def list_topics(self, **_: object) -> SimpleNamespace:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))

    monkeypatch.setattr("embedded.kafka.AdminClient", lambda _: LostBrokers(after=1))
    with pytest.raises(StackError, match="cannot list topics .* 'broker:9092'"):
        create_topics(settings_for("broker:9092"))


def test_unreachable_brokers_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embedded.kafka._ADMIN_TIMEOUT_S", 1)
    settings = settings_for(f"127.0.0.1:{find_free_port()}")
    with pytest.raises(StackError, match=settings.bootstrap_servers):
        create_topics(settings)
    assert not has_broker(settings.bootstrap_servers)


def test_comma_in_the_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="comma"):
        prepare_broker(tmp_path / "a,b", 9092, KafkaSettings())
