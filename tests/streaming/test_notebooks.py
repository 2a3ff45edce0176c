"""The notebooks, each from top to bottom over the lake of `day`, and what they find there.

Their cells are run here, in the Spark session of the tests: a kernel would need one of its own.
"""

from __future__ import annotations

import ast
import json
from collections import Counter
from pathlib import Path
from typing import Any

import matplotlib
import pytest

from schemas.gold import GOLD_TABLES
from serving.explore import open_lake
from settings.load import SettingsError
from tests.streaming.day import Day
from tests.streaming.story import RECORDS

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def read_cells(notebook: Path) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return cells


@pytest.fixture
def run_notebook(day: Day, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a notebook; gives its names, and under `figures` how much each plot shows."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figures: list[int] = []

    def show() -> None:
        axes = pyplot.gcf().axes
        figures.append(sum(len(each.patches) + len(each.lines) for each in axes))
        pyplot.close("all")

    monkeypatch.setattr(pyplot, "show", show)
    monkeypatch.setenv("WEB_ANALYTICS_DATA_DIR", day.lake.runtime.settings.data_dir)

    def run(name: str) -> dict[str, Any]:
        names: dict[str, Any] = {"__name__": "__main__"}
        notebook = FOLDER / f"{name}.ipynb"
        for number, cell in enumerate(read_cells(notebook)):
            if cell["cell_type"] == "code":
                source = "".join(cell["source"])
                exec(compile(source, f"{notebook.name}, cell {number}", "exec"), names)
        assert figures and all(figures), "a plot shows nothing"
        return names | {"figures": figures}

    return run


def test_there_are_three() -> None:
    names = [notebook.stem for notebook in NOTEBOOKS]
    assert names == ["01_explore", "02_funnels", "03_data_quality"]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_without_outputs(notebook: Path) -> None:
    for cell in read_cells(notebook):
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_defines_nothing(notebook: Path) -> None:
    definitions = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    for cell in read_cells(notebook):
        if cell["cell_type"] == "code":
            nodes = ast.walk(ast.parse("".join(cell["source"])))
            assert not any(isinstance(node, definitions) for node in nodes)


def test_explore_finds_every_record_and_the_metrics_of_the_api(run_notebook: Any, day: Day) -> None:
    found = run_notebook("01_explore")
    rows = found["tables"]["rows"]
    for table, expected in day.tables.items():
        if table not in {gold.name for gold in GOLD_TABLES}:
            assert rows[table] == len(expected)
    assert rows["bronze.events"] == len(RECORDS)
    assert found["difference"] == 0
    compared = found["compared"]
    assert len(compared) == len(found["pages"]) > 5
    assert (compared["page_views"] == compared["page_views_in_silver"]).all()
    assert (compared["unique_visitors"] - compared["exact_visitors"]).abs().max() <= 1


def test_funnels_are_those_of_the_product(run_notebook: Any, day: Day) -> None:
    found = run_notebook("02_funnels")
    assert set(found["answers"]) == {"purchase", "signup"}
    visitors = list(found["ad_hoc"]["visitors"])
    assert visitors[0] >= visitors[1] > 0
    assert found["by_device"].groupby("step")["visitors"].sum().tolist() == visitors
    assert list(found["by_window"]) == sorted(found["by_window"])
    assert found["by_window"].iloc[3] == visitors[1]
    sessions = [row for row in day.tables["silver.sessions"] if not row["is_bot"]]
    assert found["sessions"]["sessions"][0] == len(sessions)
    assert found["sessions"]["engaged"][0] == sum(row["is_engaged"] for row in sessions)
    assert found["by_channel"]["sessions"].sum() == len(sessions)


def test_data_quality_counts_what_was_made_wrong(run_notebook: Any, day: Day) -> None:
    found = run_notebook("03_data_quality")
    dead, events = day.tables["bronze.dead_letters"], day.tables["silver.events"]
    reasons = dict(zip(found["rejected"]["reason"], found["rejected"]["records"], strict=True))
    assert reasons == Counter(row["reason"] for row in dead)
    assert not found["unknown_reasons"]
    copies = day.tables["silver.duplicates"]
    assert found["duplicates"]["copies"].sum() == len(copies)
    by_tier = found["duplicates"].groupby("tier")["copies"].sum().to_dict()
    assert by_tier == Counter(row["tier"] for row in copies)
    assert found["lateness"]["events"].sum() == len(events)
    late = sum(row["is_late"] for row in events)
    assert found["late_share"] == pytest.approx(late / len(events))
    flagged = Counter(flag for row in events for flag in row["quality_flags"])
    assert dict(zip(found["flags"]["flag"], found["flags"]["events"], strict=True)) == flagged
    assert found["bots"]["events"].sum() == len(events)


@pytest.mark.usefixtures("spark")
def test_where_no_lake_is_the_variable_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEB_ANALYTICS_DATA_DIR", str(tmp_path))
    with pytest.raises(SettingsError, match="WEB_ANALYTICS_DATA_DIR"):
        open_lake()
