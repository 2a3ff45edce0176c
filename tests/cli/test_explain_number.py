"""`web-analytics explain-number`: its options, what it prints, how it fails; the lake is faked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import explain_number as command
from cli.explain_number import Settled
from cli.main import app
from serving.commit_times import Commits
from serving.delta_log import TableState
from serving.gold_reader import States
from serving.lineage import explain as lineage
from serving.lineage.commits import AddingCommit
from serving.lineage.explain import Compared, Explanation
from serving.lineage.number import Number, find_number
from serving.selection import Selection
from settings.load import load_settings
from settings.model import Settings
from streaming.checkpoints import FlowState, write_state
from tests.streaming.fake_lake import commit_batch, delta_offset, plan_batch

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
PLACE = {
    "topic": "topic_web_events",
    "partition": 0,
    "rules_version": "2-abc",
    "events": 3,
    "first_offset": 10,
    "last_offset": 40,
    "first_time": NOON,
    "last_time": NOON.replace(hour=13),
}
FOUND = Explanation(
    compared=Compared(5.0, 5.0, 5.0, 5.0),
    versions={"gold.pages": 7, "silver.events": 9},
    places=[
        PLACE,
        {**PLACE, "rules_version": "1-old", "events": 2, "first_offset": 4, "last_offset": 12},
    ],
    events=[{"event_time": NOON, "event_id": "e[1]", "offset": 10}],
    sessions=[],
    session_count=None,
    partials=[
        (
            {"file": "part-1", "rows": 4, "first_bucket": NOON, "last_bucket": NOON},
            AddingCommit(6, NOON, "batch 12 of flow gold_events"),
        ),
        ({"file": "part-0", "rows": 1, "first_bucket": NOON, "last_bucket": NOON}, None),
    ],
    has_edges=True,
)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Runs the command over a lake that gives a certain explanation."""

    @contextmanager
    def open_lake(_: Settings) -> Iterator[None]:
        yield None

    asked: list[tuple[Number, int]] = []

    def invoke(*args: str, found: Explanation = FOUND, settled: Settled | None = None) -> Any:
        def explain(_: Any, number: Number, __: States, limit: int, ___: Any) -> Explanation:
            asked.append((number, limit))
            return found

        monkeypatch.setattr(command, "_open_lake", open_lake)
        monkeypatch.setattr(command, "_settle", lambda *_: settled or Settled({}))
        monkeypatch.setattr(lineage, "explain", explain)
        arguments = ["explain-number", *args, "--data-dir", str(tmp_path)]
        result = CliRunner().invoke(app, arguments, env={"COLUMNS": "160"})
        result.asked = asked  # type: ignore[attr-defined]  # for the test
        return result

    return invoke


def test_the_number_is_the_one_that_is_named(run: Any) -> None:
    result = run(
        "/pages", "page_views", "--start", "2026-05-01", "--end", "2026-05-02", "--site", "shop",
        "--page-path", "/pricing", "--include-bots", "--events", "3",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    ((number, limit),) = result.asked
    assert (number.table.name, number.metric.name, limit) == ("gold.pages", "page_views", 3)
    assert number.selection.filters == {"site_id": "shop", "page_path": "/pricing"}
    assert number.selection.include_bots
    assert (number.selection.start, number.selection.end) == (
        datetime(2026, 5, 1, tzinfo=UTC),
        datetime(2026, 5, 2, tzinfo=UTC),
    )


def test_it_prints_numbers_places_commits_and_events(run: Any) -> None:
    out = run("/pages", "page_views", "--page-path", "/pricing").output
    for said in (
        "/pages page_views, page_path /pricing, without bots",
        "gold.pages version 7, silver.events version 9",
        "the same",
        "made of 5 events",
        "rules_version of the events: 1-old (2), 2-abc (3)",
        "5 partials in 2 files of gold.pages",
        "batch 12 of flow gold_events",
        "the log has it no more",
        "e[1]",
    ):
        assert said in out
    (line,) = (line for line in out.splitlines() if "topic_web_events" in line)
    assert [cell.strip() for cell in line.strip("│ ").split("│")][1:5] == ["0", "5", "4", "40"]


def test_json_has_all_of_it(run: Any) -> None:
    settled = Settled({}, unread=8, note="not finished")
    answer = json.loads(run("/pages", "page_views", "--json", settled=settled).stdout)
    assert (answer["gold"], answer["silver"], answer["equal"]) == (5, 5, True)
    assert (answer["events"], answer["rules_versions"]) == (5, {"1-old": 2, "2-abc": 3})
    assert (answer["gold_has_not_read"], answer["note"]) == (8, "not finished")
    (place,) = answer["kafka"]
    assert (place["first_offset"], place["last_offset"]) == (4, 40)
    assert answer["partials"][0]["commit"]["version"] == 6
    assert answer["partials"][1]["commit"] is None


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_difference_is_loud_and_a_failure(run: Any, form: tuple[str, ...]) -> None:
    wrong = replace(FOUND, compared=Compared(6.0, 5.0, 5.0, 5.0))
    result = run("/pages", "page_views", *form, found=wrong)
    assert result.exit_code == 1
    assert ('"equal": false' if form else "THEY DIFFER") in result.output


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("/pages", "hits"), "page_views"),
        (("/page", "page_views"), "/pages, /views, /sessions"),
        (("/pages", "page_views", "--channel", "Direct"), "gold.pages has country"),
        (("/pages", "page_views", "--start", "soon"), "2015-05-17"),
        (("/pages", "page_views", "--start", "2026-05-02", "--end", "2026-05-01"), "not after end"),
        (("/pages", "page_views", "--start", "2026-05-02", "--end", "2026-05-02"), "the same"),
    ],
)
def test_what_cannot_be_is_named(run: Any, args: tuple[str, ...], said: str) -> None:
    result = run(*args)
    assert result.exit_code == 2
    assert said in result.output


def test_no_lake_names_the_remedy(tmp_path: Path) -> None:
    arguments = ["explain-number", "/pages", "page_views", "--data-dir", str(tmp_path)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert "web-analytics up" in result.output


class Reader:
    """Tables at version 9; older versions of silver.events down to `first`."""

    def __init__(self, first: int = 0) -> None:
        self.first = first
        self.looks = 0

    def read_states(self) -> States:
        self.looks += 1
        return {name: TableState(9, "c") for name in ("gold.pages", "silver.events")}

    def read_state(self, _: str, version: int) -> TableState | None:
        return TableState(version, "c") if version >= self.first else None

    def read_commits(self, *_: Any) -> Commits:
        raise AssertionError("nobody asks")


def settle(settings: Settings, reader: Any) -> Settled:
    selection = Selection(NOON, NOON.replace(hour=13), limit=1, offset=0)
    return command._settle(settings, reader, find_number("/pages", "page_views", {}, selection))


def test_silver_is_read_as_far_as_gold_has_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_WAIT_S", 0)
    monkeypatch.setattr("streaming.progress.count_flow_behind", lambda *_: 4)
    settings = load_settings(data_dir=str(tmp_path))
    assert "no checkpoint" in settle(settings, Reader()).note
    checkpoint = tmp_path / "checkpoints" / "gold_events"
    write_state(f"file:{checkpoint}", FlowState("generation"))
    plan_batch(checkpoint, 0, delta_offset(6))
    unfinished = Reader()
    assert "not finished" in settle(settings, unfinished).note
    assert unfinished.looks > 1
    commit_batch(checkpoint, 0)
    # All before version 6.
    settled = settle(settings, Reader())
    assert (settled.states["silver.events"].version, settled.unread, settled.note) == (5, 4, "")
    assert settled.states["gold.pages"].version == 9
    plan_batch(checkpoint, 1, delta_offset(7, 2))
    commit_batch(checkpoint, 1)
    assert settle(settings, Reader()).states["silver.events"].version == 7
    assert "cleaned up" in settle(settings, Reader(first=8)).note
