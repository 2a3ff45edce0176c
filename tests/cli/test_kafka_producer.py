"""Where records go, and the account of what the broker took."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from confluent_kafka import KafkaError

from cli import kafka_producer
from cli.kafka_producer import KafkaProblem, Sender, Target, find_target, open_sender
from settings.model import KafkaSettings, Settings
from tests.cli.fake_kafka import FakeProducer


def _settings(data_dir: Path) -> Settings:
    kafka = KafkaSettings(bootstrap_servers="settings:1", topic="settings-topic")
    return Settings(data_dir=str(data_dir), kafka=kafka)


def test_the_option_wins_over_run_json_over_the_settings(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    target = find_target(settings, None, None)
    assert (target.bootstrap_servers, target.topic) == ("settings:1", "settings-topic")
    (tmp_path / "run.json").write_text(json.dumps({"kafka": "run:2", "topic": "run-topic"}))
    target = find_target(settings, None, None)
    assert (target.bootstrap_servers, target.topic) == ("run:2", "run-topic")
    target = find_target(settings, "option:3", None)
    assert (target.bootstrap_servers, target.topic) == ("option:3", "settings-topic")
    assert find_target(settings, None, "option-topic").topic == "option-topic"


@pytest.mark.parametrize("content", ["{", "[]", "{}", "null"])
def test_a_broken_run_json_is_named_with_the_remedy(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(KafkaProblem, match=r"run\.json.*--bootstrap"):
        find_target(_settings(tmp_path), None, None)


def test_a_broker_that_does_not_answer_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_producer, "_CONNECT_TIMEOUT_S", 0.3)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(
            KafkaProblem, match=rf"{address} \(from --bootstrap\).*web-analytics up"
        ):
            open_sender(Target(address, "events", "--bootstrap"), _settings(tmp_path))


def test_an_unknown_kafka_option_is_named(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path), kafka=KafkaSettings(options={"no.such": "1"}))
    with pytest.raises(KafkaProblem, match=r"kafka\.options.*no\.such"):
        open_sender(find_target(settings, "127.0.0.1:1", None), settings)


def test_a_full_queue_is_waited_for_and_nothing_is_lost() -> None:
    producer = FakeProducer(capacity=3)
    sender = Sender(producer, "events")
    for number in range(20):
        sender.send(b"%d" % number, b"k", "even" if number % 2 == 0 else "odd")
    sender.flush()
    assert producer.records == [(b"k", b"%d" % number) for number in range(20)]
    assert sender.delivered == {"even": 10, "odd": 10}
    assert not sender.failed


def test_a_record_that_is_too_large_does_not_stop_the_others() -> None:
    producer = FakeProducer(fail_with={b"big": KafkaError.MSG_SIZE_TOO_LARGE})
    sender = Sender(producer, "events")
    for value in (b"1", b"big", b"2"):
        sender.send(value)
    sender.flush()
    assert sender.delivered == {"sent": 2}
    (reason,) = sender.failed
    assert "kafka.max_record_bytes" in reason


def test_a_broker_that_takes_no_more_ends_the_sending() -> None:
    producer = FakeProducer(capacity=1, fail_with={b"2": KafkaError._MSG_TIMED_OUT})
    sender = Sender(producer, "events")
    with pytest.raises(KafkaProblem, match="stopped taking records"):
        for number in range(1000):
            sender.send(b"%d" % number)
    assert sender.delivered.total() == 2
    assert sender.failed.total() == 1


def test_what_is_not_acknowledged_in_time_counts_as_failed() -> None:
    producer = FakeProducer()
    producer.is_stuck = True
    sender = Sender(producer, "events")
    sender.send(b"1")
    sender.flush(timeout_s=0)
    assert sender.failed == {"not acknowledged within 0 s": 1}
