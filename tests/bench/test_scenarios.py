"""The pure parts of the scenarios: targets, tables, cuts of sessions, counters, made-up history."""

from __future__ import annotations

import random
import struct
from itertools import count
from pathlib import Path

import pytest

from bench.scenarios.bombs import Cut
from bench.scenarios.bombs import conclude as conclude_bombs
from bench.scenarios.clients import Answer, draw_question
from bench.scenarios.growth import conclude as conclude_growth
from bench.scenarios.history import Site, count_events, count_visitors, make_sites
from bench.scenarios.memory import sum_used
from bench.scenarios.one_visitor import list_times
from bench.scenarios.outcome import Outcome, Target, split_evenly
from bench.scenarios.report import keep, read_kept, render
from bench.scenarios.samples import Samples, find_done
from bench.scenarios.sessions_rule import DAY_S, expect_sessions
from bench.scenarios.sizes import add_up, measure_tables
from bench.scenarios.uniques import conclude, measure_rank_error, share_beyond

_GAP_S = 60


def test_a_target_is_met_up_to_its_limit() -> None:
    outcome = Outcome(targets=[Target("a", 2.0, 2.0, "s"), Target("b", 2.1, 2.0, "s")])
    assert [target.what for target in outcome.missed()] == ["b"]


def test_marks_are_split_by_when_they_were_sent() -> None:
    marks = [(9.0, 1.0), (10.0, 2.0), (14.9, 3.0), (15.0, 4.0), (20.0, 5.0)]
    assert split_evenly(marks, 10, 20, 2) == [[2.0, 3.0], [4.0]]


def test_kept_results_become_one_table(tmp_path: Path) -> None:
    outcome = Outcome({"drained": "9 s"}, [Target("p95", 4.0, 5.0, "s"), Target("r", 3.0, 2.0, "")])
    keep(tmp_path, "steady", {"rate": 50}, outcome)
    lines = render(read_kept(tmp_path, ["catch-up", "steady"])).splitlines()
    assert lines[0].startswith("**steady** (rate 50; ")
    assert "| **p95** | **4.00 s** | 5.00 s |" in lines
    assert "| **r** | **3.00** (missed) | 2.00 |" in lines
    assert "| drained | 9 s | |" in lines


def test_a_pause_of_exactly_the_gap_goes_on() -> None:
    assert expect_sessions([0, 60, 121], _GAP_S) == [(0, 60, 2), (121, 121, 1)]


def test_two_short_pieces_join_at_midnight() -> None:
    times = range(DAY_S - 120, DAY_S + 120, 20)
    assert expect_sessions(times, _GAP_S) == [(DAY_S - 120, DAY_S + 100, 12)]


def test_pieces_that_would_last_a_day_are_cut_at_midnight() -> None:
    limit_s = DAY_S - 2 * _GAP_S
    joined = range(DAY_S - 3600, DAY_S - 3600 + limit_s + 1, 20)
    assert len(expect_sessions(joined, _GAP_S)) == 1
    beyond = range(DAY_S - 3600, DAY_S - 3600 + limit_s + 21, 20)
    assert [start for start, *_ in expect_sessions(beyond, _GAP_S)] == [DAY_S - 3600, DAY_S]


def test_only_two_pieces_ever_join() -> None:
    # A day in the middle that starts and ends at its midnights is too long for either neighbour.
    times = range(DAY_S - 600, 2 * DAY_S + 600, 20)
    assert [start for start, *_ in expect_sessions(times, _GAP_S)] == [
        DAY_S - 600,
        DAY_S,
        2 * DAY_S,
    ]


def test_the_dated_visit_has_a_session_a_day() -> None:
    times = list_times(100 * DAY_S + 5000, 4, 20)
    sessions = expect_sessions(times, _GAP_S)
    assert [start // DAY_S for start, *_ in sessions] == [95, 96, 97, 98, 99]
    assert sum(events for *_, events in sessions) == len(times)


def test_visitors_are_known_by_arithmetic() -> None:
    site = Site("s", sessions=10, pool=6, shift=2)
    for days in (1, 2, 5):
        seen = {day * 2 + number % 6 for day in range(days) for number in range(10)}
        assert count_visitors(site, days) == len(seen)
    # 4 of the 10 sessions are a single page view.
    assert count_events(site, 2) == 2 * (4 + 6 * 5)
    with pytest.raises(ValueError, match="s: 5 sessions cannot be of 6"):
        Site("s", 5, 6, 1)


@pytest.mark.parametrize("events_per_day", [100, 5_000, 200_000])
def test_a_days_events_are_about_what_was_asked_for(events_per_day: int) -> None:
    sites = make_sites(events_per_day)
    assert sum(count_events(site, 1) for site in sites) == pytest.approx(events_per_day, rel=0.1)
    # The small site stays where answers must be within one.
    assert count_visitors(sites[1], 365) < 1_000


def test_the_heap_is_read_from_the_jvms_counters() -> None:
    entries = b"".join(
        _entry(name, value)
        for name, value in (
            ("sun.gc.generation.0.space.0.used", 7),
            ("sun.gc.generation.1.space.0.used", 5),
            ("sun.gc.generation.1.space.0.capacity", 100),
        )
    )
    header = struct.pack("<4sBBBBiiqii", b"\xca\xfe\xc0\xc0", 1, 2, 0, 1, 0, 0, 0, 32, 3)
    assert sum_used(header + entries) == 12
    with pytest.raises(ValueError, match="not a file of HotSpot counters"):
        sum_used(b"else" + entries)


def _entry(name: str, value: int) -> bytes:
    text = name.encode() + b"\0"
    text += b"\0" * (-(20 + len(text)) % 8)
    head = struct.pack("<iiiBBBBi", 28 + len(text), 20, 0, ord("J"), 1, 2, 2, 20 + len(text))
    return head + text + struct.pack("<q", value)


def test_new_ranges_differ_and_repeated_ones_do_not() -> None:
    rng, hours = random.Random(1), count(1)
    starts = [draw_question(rng, lambda: next(hours), 0.5)[1]["start"] for _ in range(400)]
    asked_once = [start for start in set(starts) if starts.count(start) == 1]
    asked_again = [start for start in set(starts) if starts.count(start) > 1]
    assert len(asked_once) > 150
    assert len(asked_again) == 5


def test_finished_batches_are_found_by_flow(tmp_path: Path) -> None:
    for log, number in (("offsets", 0), ("offsets", 1), ("commits", 0)):
        file = tmp_path / "silver" / log / str(number)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    assert list(find_done(tmp_path)["silver"]) == [0]
    samples = Samples(batches={"silver": {0: (10.0, 12.5), 1: (20.0, 21.0)}})
    assert samples.durations("silver", since=11) == [1.0]


def test_a_tables_data_and_log_are_told_apart(tmp_path: Path) -> None:
    for name, size in (
        ("_delta_log/00.json", 3),
        ("date=1/a.parquet", 10),
        ("date=2/b.parquet", 20),
    ):
        file = tmp_path / "gold" / "pages" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * size)
    size = measure_tables(tmp_path)["gold.pages"]
    assert (size.files, size.bytes, size.log_files, size.log_bytes) == (2, 30, 1, 3)
    assert add_up({"a": size, "b": size}).bytes == 60


def test_a_rank_error_is_the_distance_to_the_values_own_ranks() -> None:
    assert measure_rank_error(0.5, 0.49, 0.51) == 0
    assert measure_rank_error(0.5, 0.53, 0.54) == pytest.approx(0.03)
    assert measure_rank_error(0.9, 0.85, 0.88) == pytest.approx(0.02)
    assert share_beyond([0.1, 0.3, 0.2], 0.2) == pytest.approx(1 / 3)


def test_uniques_are_judged_by_what_the_answer_states() -> None:
    exact = [("/sessions large 7 d", 1_010, 1_000), ("/pages small", 500, 499)]
    assert conclude(exact, [("p50", 0.004)]).missed() == []
    wrong = conclude([("/sessions", 1_100, 1_000), ("/pages", 12, 10)], [("p50", 0.02)])
    assert len(wrong.missed()) == 3


def test_growth_compares_the_longest_history_with_the_shortest() -> None:
    total = {"files": 10, "bytes": 2**20, "log_files": 3, "log_bytes": 2**20}
    found = {
        "stream_ready_s": 10.0,
        "up_ready_s": 15.0,
        "first_event_visible_s": 5.0,
        "batch_s": {"silver": 1.0},
        "visible_after_s": {"p95": 4.0},
        "cores_busy": 0.5,
        "jvm_peak_mb": 900,
        "queries_ms": {"/pages, 1 d": 100.0},
        "all_tables": total,
    }
    outcome = conclude_growth({4: found, 40: found, 400: found | {"batch_s": {"silver": 2.0}}})
    assert [target.what for target in outcome.missed()] == ["batch of silver, 400 days"]
    assert outcome.figures["400 days: files"] == "10 of 1 MB, logs 3 of 1 MB"


def test_a_bomb_that_is_cut_late_or_slows_others_is_a_miss() -> None:
    def conclude_with(cut_s: float, status: int, beside_s: float) -> list[str]:
        cut = Cut("sort", status, "504 query_timeout", cut_s)
        answers = [[Answer("/pages", s, 200, "miss")] * 20 for s in (0.2, beside_s, 0.3)]
        return [target.what for target in conclude_bombs(10, [cut], *answers).missed()]

    assert conclude_with(12.0, 504, 0.4) == []
    assert conclude_with(12.1, 504, 0.4) == ["longest over the limit"]
    assert conclude_with(9.0, 200, 0.41) == ["bombs that were answered", "p95 beside bombs / alone"]
