"""The bench's event set: fixed, valid, and counted rightly."""

from __future__ import annotations

import json
import random
from pathlib import Path

from bench.generate import make_event, read_events, stamp, write_event_set
from bench.visitors import describe_visitor
from schemas.event import EVENT_TYPES, REQUIRED_ALWAYS, REQUIRED_BY_TYPE


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


def test_the_events_give_every_enrichment_its_work(tmp_path: Path) -> None:
    made = write_event_set(tmp_path / "a.ndjson", 0, 3_000, seed=5)
    events = [json.loads(line) for line in read_events(made.file, 0, 3_000)]
    texts = [json.dumps(event) for event in events]
    assert {event["event_type"] for event in events} == set(EVENT_TYPES)
    assert len({event["user_agent"] for event in events}) > 100
    assert len({event.get("language") for event in events}) > 10
    assert sum(":" in event["ip_address"] for event in events) > 500
    for sign in ("utm_source=", "gclid=", "google.com", "properties", "[FB_IAB", "bot.html"):
        assert any(sign in text for text in texts), sign
    personal = sum("anna.berg" in text or "token=" in text or "555-01" in text for text in texts)
    assert 0 < personal < 100


def test_a_visitor_is_the_same_in_every_event() -> None:
    rng = random.Random(1)
    seen = {
        tuple(json.loads(make_event(rng, "someone"))[name] for name in ("user_agent", "ip_address"))
        for _ in range(20)
    }
    assert len(seen) == 1


def test_who_views_a_given_page_is_a_person() -> None:
    names = [f"visitor-{number}" for number in range(300)]
    programs = [name for name in names if describe_visitor(name)[1] is None]
    assert programs
    for name in programs:
        event = json.loads(make_event(random.Random(1), name, page_path="/marker/1"))
        assert event["screen_width"] > 0
        assert event["page_url"].partition("?")[0] == "https://www.example.com/marker/1"
