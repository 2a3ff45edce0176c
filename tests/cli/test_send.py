"""`web-analytics send`: which records leave, in what order, and what the summary says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from confluent_kafka import KafkaError
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from cli import send as send_command
from cli.access_log import Fate, Verdict
from cli.kafka_producer import KafkaProblem, Sender, Target
from cli.send import read_ndjson, send_verdicts
from tests.cli.fake_kafka import FakeProducer

TARGET = Target("127.0.0.1:1", "events", "--bootstrap")
LOG_LINE = b'203.0.113.9 - - [17/May/2015:10:05:03 +0000] "GET %b HTTP/1.1" 200 1 "-" "A"\n'

app = typer.Typer()
app.command()(send_command.send)


@pytest.fixture
def producer(monkeypatch: pytest.MonkeyPatch) -> FakeProducer:
    fake = FakeProducer()
    monkeypatch.setattr(send_command, "open_sender", lambda *_: Sender(fake, "events"))
    return fake


@given(st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line)))
def test_ndjson_lines_leave_byte_by_byte(lines: list[bytes]) -> None:
    verdicts = list(read_ndjson(line + b"\n" for line in lines))
    assert len(verdicts) == len(lines)
    sent = [verdict.value for verdict in verdicts if verdict.fate is Fate.EVENT]
    assert sent == [line for line in lines if line.strip()]


def test_an_ndjson_file_is_sent_and_summed_up(tmp_path: Path, producer: FakeProducer) -> None:
    file = tmp_path / "events.ndjson"
    file.write_bytes(b'{"a":1}\n\n\xff not json\n \n{"b":2}')
    result = CliRunner().invoke(app, [str(file), "--json", "--bootstrap", "127.0.0.1:1"])
    assert result.exit_code == 0, result.output
    assert producer.records == [(None, b'{"a":1}'), (None, b"\xff not json"), (None, b'{"b":2}')]
    summary = json.loads(result.stdout)
    assert (summary["lines"], summary["sent"], summary["sent_raw"]) == (5, 3, 0)
    assert summary["skipped"] == {"blank": 2}


def test_an_access_log_from_standard_input(producer: FakeProducer) -> None:
    lines = LOG_LINE % b"/a" + LOG_LINE % b"/a.png" + b"cut\n" + LOG_LINE % b"/a"
    arguments = ["-", "--format", "combined", "--json", "--host", "h.example"]
    result = CliRunner().invoke(app, [*arguments, "--bootstrap", "x:1"], input=lines)
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert (summary["sent"], summary["sent_raw"], summary["skipped"]) == (2, 1, {"static": 1})
    first, raw, second = producer.records
    assert raw == (None, b"cut")
    events = [json.loads(value) for _, value in (first, second)]
    assert {event["page_url"] for event in events} == {"http://h.example/a"}
    assert len({event["event_id"] for event in events}) == 2


def test_the_table_names_each_reason(producer: FakeProducer) -> None:
    lines = LOG_LINE % b"/a" + LOG_LINE % b"/a.png"
    arguments = ["-", "--format", "combined", "--bootstrap", "x:1"]
    result = CliRunner().invoke(app, arguments, input=lines)
    assert "skipped: static" in result.stdout
    assert "Done: 2 lines" in result.stdout
    assert len(producer.records) == 1


def test_a_refused_record_is_reported_and_fails_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeProducer(fail_with={b"big": KafkaError.MSG_SIZE_TOO_LARGE})
    monkeypatch.setattr(send_command, "open_sender", lambda *_: Sender(fake, "events"))
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"1\nbig\n2\n")
    result = CliRunner().invoke(app, [str(file), "--json", "--bootstrap", "x:1"])
    assert result.exit_code == 1
    summary = json.loads(result.stdout)
    assert (summary["sent"], summary["failed"]) == (2, 1)
    assert list(summary["errors"].values()) == [1]


def test_a_missing_file_is_an_error_with_its_name(producer: FakeProducer) -> None:
    result = CliRunner().invoke(app, ["no-such-file", "--bootstrap", "x:1"])
    assert result.exit_code == 1
    assert "no-such-file" in result.stderr
    assert producer.records == []


def test_no_broker_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Sender:
        raise KafkaProblem("no Kafka broker answers at x:1")

    monkeypatch.setattr(send_command, "open_sender", refuse)
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"1\n")
    result = CliRunner().invoke(app, [str(file), "--bootstrap", "x:1"])
    assert result.exit_code == 1
    assert "no Kafka broker answers at x:1" in result.stderr


def test_ctrl_c_flushes_and_says_how_many_were_sent() -> None:
    def interrupted() -> Iterator[Verdict]:
        yield Verdict(Fate.EVENT, b"1")
        yield Verdict(Fate.EVENT, b"2")
        raise KeyboardInterrupt

    producer = FakeProducer()
    summary = send_verdicts(interrupted(), Sender(producer, "events"), TARGET, rate=None)
    assert summary.is_interrupted
    assert summary.sent == 2 == len(producer.records)


def test_the_rate_spaces_records_and_not_skipped_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    sender = Sender(FakeProducer(), "events")
    monkeypatch.setattr(sender, "wait_until", waited.append)
    verdicts = [Verdict(Fate.EVENT, b"1"), Verdict(Fate.STATIC), Verdict(Fate.RAW, b"2")]
    send_verdicts(verdicts, sender, TARGET, rate=4)
    first, second = waited
    assert second - first == pytest.approx(0.25)
