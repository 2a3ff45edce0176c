"""The bench's event set: fixed, valid, and counted rightly."""

from __future__ import annotations

import json
from pathlib import Path

from bench.generate import read_events, stamp, write_event_set
from schemas.event import REQUIRED_ALWAYS, REQUIRED_BY_TYPE


def test_the_same_plan_gives_the_same_bytes(tmp_path: Path) -> None:
    first = write_event_set(tmp_path / "a.ndjson", 10, 100, seed=7)
    second = write_event_set(tmp_path / "b.ndjson", 10, 100, seed=7)
    other = write_event_set(tmp_path / "c.ndjson", 10, 100, seed=8)
    assert Path(first.file).read_bytes() == Path(second.file).read_bytes()
    assert Path(first.file).read_bytes() != Path(other.file).read_bytes()


def test_the_counts_are_those_of_the_file(tmp_path: Path) -> None:
    made = write_event_set(tmp_path / "a.ndjson", 20, 300, seed=1)
    events = [json.loads(line) for line in read_events(made.file, 0, 1_000)]
    assert len(events) == 320
    assert len({event["event_id"] for event in events}) == 320
    assert len({event["anonymous_id"] for event in events}) == made.visitors
    assert sum(event["event_type"] == "page_view" for event in events) == made.page_views
    assert 600 <= made.mean_bytes <= 800


def test_warm_up_and_measured_visitors_are_disjoint(tmp_path: Path) -> None:
    made = write_event_set(tmp_path / "a.ndjson", 50, 300, seed=1)
    warm = {json.loads(line)["anonymous_id"] for line in read_events(made.file, 0, 50)}
    measured = {json.loads(line)["anonymous_id"] for line in read_events(made.file, 50, 300)}
    assert not warm & measured


def test_stamping_changes_the_time_and_nothing_else(tmp_path: Path) -> None:
    made = write_event_set(tmp_path / "a.ndjson", 0, 5, seed=1)
    for line in read_events(made.file, 0, 5):
        before, after = json.loads(line), json.loads(stamp(line, 1_812_345_678_901))
        assert after.pop("event_timestamp") == 1_812_345_678_901
        assert before.pop("event_timestamp") != 1_812_345_678_901
        assert before == after


def test_every_event_has_what_its_type_requires(tmp_path: Path) -> None:
    made = write_event_set(tmp_path / "a.ndjson", 0, 500, seed=3)
    for line in read_events(made.file, 0, 500):
        event = json.loads(line)
        groups = REQUIRED_ALWAYS + REQUIRED_BY_TYPE.get(event["event_type"], ())
        assert all(any(name in event for name in group) for group in groups)
