"""The reference itself, on logs small enough to count by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reference.access_log_reference import REAL_LOG, count


def _line(time: str, path: str, address: str = "203.0.113.1", rest: str = '200 1 "-" "A"') -> str:
    return f'{address} - - [{time}] "GET {path} HTTP/1.1" {rest}\n'


def test_a_gap_of_exactly_30_minutes_continues_the_session(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(
        _line("17/May/2015:10:00:00 +0000", "/a")
        + _line("17/May/2015:12:30:00 +0200", "/b?x=1")  # 10:30:00 UTC
        + _line("17/May/2015:11:00:01 +0000", "/a")
        + _line("17/May/2015:11:00:02 +0000", "/a.png")
        + _line("17/May/2015:11:00:03 +0000", "/a", rest='404 1 "-" "A"')
        + "nonsense\n"
    )
    reference = count(log)
    assert (reference.lines, reference.accepted, reference.dead_letters) == (6, 3, [6])
    assert reference.skipped == {"static": 1, "status": 1}
    assert reference.sessions.durations_s == [1800, 0]
    assert (reference.sessions.engaged_sessions, reference.sessions.bounces) == (1, 1)
    a, b = reference.pages["/a"], reference.pages["/b"]
    assert (a.page_views, a.unique_visitors, a.entries, a.exits, a.bounces) == (2, 1, 2, 1, 1)
    assert (b.page_views, b.unique_visitors, b.entries, b.exits, b.bounces) == (1, 1, 0, 1, 0)


def test_a_tie_is_broken_by_event_id(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    time = "17/May/2015:10:00:00 +0000"
    log.write_text(_line(time, "/a") + _line(time, "/b"))
    reference = count(log)
    first, last = sorted(reference.views)
    assert first.event_id < last.event_id
    assert reference.pages[first.path].entries == 1
    assert reference.pages[last.path].exits == 1


@pytest.mark.skipif(not REAL_LOG.exists(), reason="the real log is not beside the repository")
def test_the_real_log_adds_up() -> None:
    reference = count()
    assert reference.lines == 10_000
    assert reference.dead_letters == [8899]
    assert reference.accepted + reference.skipped.total() + 1 == reference.lines
    pages, sessions = reference.pages.values(), reference.sessions
    assert sum(page.page_views for page in pages) == sessions.page_views == reference.accepted
    assert sum(page.entries for page in pages) == sessions.sessions
    assert sum(page.exits for page in pages) == sessions.sessions
    assert sum(page.bounces for page in pages) == sessions.bounces
