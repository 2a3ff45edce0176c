"""`web-analytics simulate`: the file, the truth beside it, the pace, and the end."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import pytest
import typer
from confluent_kafka import KafkaError
from typer.testing import CliRunner

from cli import simulate as simulate_command
from cli.kafka_producer import Sender, Target
from cli.send import read_ndjson, send_verdicts
from cli.simulate import send_records
from tests.cli.fake_kafka import FakeProducer
from traffic.generate import Plan, generate

app = typer.Typer()
app.command()(simulate_command.simulate)
START = "2026-11-20T00:00:00+00:00"


def test_a_file_and_its_truth(tmp_path: Path) -> None:
    out, truth = tmp_path / "events.ndjson", tmp_path / "truth.json"
    arguments = ["--days", "1", "--events", "200", "--invalid", "0.1", "--duplicates", "0.1"]
    arguments += ["--seed", "1", "--start", START, "--out", str(out), "--truth", str(truth)]
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    known = json.loads(truth.read_text())
    summary = json.loads(result.stdout)
    assert summary["records"] == known["records"] == len(out.read_bytes().splitlines())
    assert known["records"] == 200 + known["duplicates"] + known["invalid"]
    before = out.read_bytes()
    CliRunner().invoke(app, arguments)
    assert out.read_bytes() == before


def test_all_faults_and_sites(tmp_path: Path) -> None:
    truth = tmp_path / "truth.json"
    arguments = ["--days", "3", "--events", "3000", "--visitors", "400", "--sites", "2"]
    arguments += ["--all-faults", "--late", "0", "--seed", "1", "--start", START]
    arguments += ["--out", str(tmp_path / "x"), "--truth", str(truth)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    known = json.loads(truth.read_text())
    assert known["late"] == 0
    for name in ("duplicates", "invalid", "no_consent"):
        assert known[name] > 0
    for name in ("bots", "pii", "wrong_clocks"):
        assert known[name]["events"] > 0
    assert set(known["populations"]["all"]["sites"]) == {"default", "roastery"}


def test_a_file_that_is_sent_brings_just_its_records(tmp_path: Path) -> None:
    """Whatever is malformed in them: each line is one record, byte for byte."""
    out = tmp_path / "events.ndjson"
    arguments = ["--days", "1", "--events", "600", "--invalid", "0.3", "--seed", "3"]
    result = CliRunner().invoke(app, [*arguments, "--start", START, "--out", str(out), "--json"])
    fake = FakeProducer()
    sender = Sender(fake, "events")
    with out.open("rb") as lines:
        summary = send_verdicts(read_ndjson(lines), sender, Target("x:1", "events", "me"), None)
    sender.flush()
    assert summary.sent == json.loads(result.stdout)["records"]
    assert summary.skipped == {}
    assert b"\n".join(value for _, value in fake.records) + b"\n" == out.read_bytes()


def test_by_default_it_ends_with_ten_events_per_visitor(tmp_path: Path) -> None:
    out = tmp_path / "events.ndjson"
    result = CliRunner().invoke(app, ["--visitors", "3", "--out", str(out), "--json"])
    assert json.loads(result.stdout)["events"] == 30


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--forever", "--out", "x"], "--events"),
        (["--days", "0.1", "--out", "x"], "quarter of a day"),
        (["--start", "soon"], "soon"),
        (["--late", "2"], "--late"),
        (["--sites", "99"], "--sites"),
    ],
)
def test_options_that_make_no_sense_are_refused(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_live_records_leave_at_their_time_history_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan(1_000_000_000_000, rate=4, history_days=1, history_events=3, live_events=3)
    producer = FakeProducer()
    sender = Sender(producer, "events")
    waited: list[float] = []
    monkeypatch.setattr(sender, "wait_until", waited.append)
    sent = list(send_records(generate(plan), sender, plan.start_ms))
    sender.flush()
    assert [value for _, value in producer.records] == [record.encode() for record in sent]
    started = waited[3]
    assert all(due < started for due in waited[:3])
    assert [due - started for due in waited[3:]] == pytest.approx([0, 0.25, 0.5])


def test_a_stop_flushes_and_the_truth_is_of_what_was_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(plan: Plan) -> object:
        yield from islice(generate(plan), 7)
        raise KeyboardInterrupt

    fake = FakeProducer()
    monkeypatch.setattr(simulate_command, "open_sender", lambda *_: Sender(fake, "events"))
    monkeypatch.setattr(simulate_command, "generate", stopped)
    truth = tmp_path / "truth.json"
    arguments = ["--forever", "--rate", "1000", "--bootstrap", "x:1", "--truth", str(truth)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert len(fake.records) == json.loads(truth.read_text())["records"] == 7


def test_a_broker_that_takes_no_more_fails_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(dict[bytes, int]):
        """Fails every value."""

        def get(self, *_: object) -> int:
            return int(KafkaError._MSG_TIMED_OUT)

    fake = FakeProducer(capacity=1, fail_with=Failing({b"": 0}))
    monkeypatch.setattr(simulate_command, "open_sender", lambda *_: Sender(fake, "events"))
    result = CliRunner().invoke(app, ["--forever", "--rate", "1000", "--bootstrap", "x:1"])
    assert result.exit_code == 1
    assert "not taken by Kafka: " in result.stderr
