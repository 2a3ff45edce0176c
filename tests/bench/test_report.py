"""The bench's numbers, kept stages and table."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.numbers import percentile, summarize
from bench.plan import Plan, open_state
from bench.report import BEGIN, END, render_table, write_into, write_results

STAGES = {
    "generate": {"mean_bytes": 690},
    "reference": {"events_per_s": 80_000},
    "steps": {
        "events": 20_000,
        "core_us_per_event": {
            "interpreted": {"parse": 50.0, "enrichment": 30.04},
            "compiled": {"parse": 40.0, "enrichment": 20.0},
        },
        "enrichment_to_parsing": {"interpreted": 0.601, "compiled": 0.5},
    },
    "chain": {
        "events": 400_000,
        "events_per_s": 10_000,
        "flows_events_per_s": {"bronze": 30_000, "silver": 28_000},
    },
    "freshness": {"rate_per_s": 500.2, "visible_after_s": {"p50": 9.9, "p95": 17.26}},
    "latency": {
        "/pages": {
            "uncached_ms": {"p50": 120.4, "p95": 190.0},
            "cached_ms": {"p50": 2.1, "p95": 4.0},
        }
    },
}


def test_percentiles_are_nearest_rank() -> None:
    values = list(range(1, 101))
    assert percentile(values, 0.50) == 50
    assert percentile(values, 0.95) == 95
    assert percentile([3.0], 0.95) == 3.0
    assert summarize([1, 2, 3]) == {"p50": 2, "p95": 3, "max": 3, "samples": 3}
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_finished_stages_are_kept_for_the_same_plan_only(tmp_path: Path) -> None:
    state = open_state(tmp_path, Plan(), is_fresh=False)
    state.keep("generate", {"events": 1})
    assert open_state(tmp_path, Plan(), is_fresh=False).stages == {"generate": {"events": 1}}
    assert open_state(tmp_path, Plan(events=5), is_fresh=False).stages == {}
    assert open_state(tmp_path, Plan(), is_fresh=True).stages == {}


def test_the_table_begins_with_the_ratio(tmp_path: Path) -> None:
    state = open_state(tmp_path, Plan(), is_fresh=True)
    for name, result in STAGES.items():
        state.keep(name, result)
    results = write_results(tmp_path / "results.json", state)
    assert results["ratio_to_reference"] == 0.125
    lines = render_table(results).splitlines()
    assert lines[2] == "| **whole chain / parse only** | **0.12** |"
    assert "| flow `silver` while working | 28,000 events/s |" in lines
    assert lines[3] == "| **enrichment / parsing**, interpreted | **0.60** |"
    assert lines[4] == "| **enrichment / parsing**, compiled | **0.50** |"
    assert "p50 9.9 s, p95 17.3 s" in lines[9]
    assert "| enrichment | 30.0 | 0.60 | 20.0 | 0.50 |" in lines


def test_the_table_lands_between_the_marks_and_nowhere_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_into(page, "new\n")
    assert page.read_text() == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    page.write_text("no marks\n")
    with pytest.raises(ValueError, match="put both where the table belongs"):
        write_into(page, "new\n")
