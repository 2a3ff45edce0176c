"""`python -m bench.queries`: how long each path of the API takes to answer what nobody asked yet.

Over a lake that is made up here (`bench/scenarios/history.py`), or over one that is there already,
such as that of the last `make bench`. The API runs alone, without a cache and without a stream; all
paths are asked in turn, so that what else the machine does falls on all of them alike.
"""

from __future__ import annotations

import datetime as dt
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from bench.api import run_api
from bench.numbers import summarize
from bench.plan import ROOT, write_json
from bench.scenarios.fabricate import add_days, run_apart

_FOLDER = ROOT / "bench-data" / "queries"
_P50_MS, _P95_MS = 150, 500
_ONE_PERSON = "SELECT visitor_id FROM gold.user_days WHERE NOT is_bot LIMIT 1"
_VIEWS_BY_DAY = (
    "SELECT date, sum(page_views) AS views FROM gold.pages WHERE bucket >= '{start:%F %T}' "
    "AND bucket < '{end:%F %T}' AND NOT is_bot GROUP BY date ORDER BY date"
)


@dataclass(frozen=True)
class Question:
    """A path and what to ask it besides the range; `sql` is sent to it, with the range filled in.

    has_range: whether it takes one; without, it is the same question each time.
    """

    path: str
    params: dict[str, str] = field(default_factory=dict)
    sql: str | None = None
    has_range: bool = True

    @property
    def name(self) -> str:
        asked = "&".join(f"{name}={value}" for name, value in self.params.items())
        return f"{self.path}?{asked}" if asked else self.path


QUESTIONS = (
    Question("/pages"),
    Question("/pages", {"interval": "day"}),
    Question("/pages", {"device_type": "mobile"}),
    Question("/sessions"),
    Question("/sessions", {"interval": "hour"}),
    Question("/views", {"interval": "hour"}),
    Question("/traffic-sources"),
    Question("/devices"),
    Question("/geo"),
    Question("/performance"),
    Question("/performance", {"group_by": "page_path"}),
    Question("/conversions"),
    Question("/realtime", has_range=False),
    Question("/users"),
    Question("/users/{person}"),
    Question("/funnels/purchase"),
    Question("/retention"),
    Question("/query", sql=_VIEWS_BY_DAY),
    Question("/reports/weekly", has_range=False),
)


def main(
    data_dir: Annotated[
        Path | None, typer.Option(help="Ask about the lake in this data folder; none: make one up.")
    ] = None,
    days: Annotated[int, typer.Option(help="Days asked about, and made up.", min=1)] = 7,
    events_per_day: Annotated[int, typer.Option(help="Made up.", min=100)] = 60_000,
    times: Annotated[int, typer.Option(help="How often each path is asked.", min=1)] = 20,
    warmup: Annotated[int, typer.Option(help="Times before, which do not count.", min=0)] = 5,
    folder: Annotated[Path, typer.Option(help="Where everything is kept.")] = _FOLDER,
) -> None:
    """Milliseconds from request to complete answer, by path: p50 and p95 of what was not cached."""
    folder.mkdir(parents=True, exist_ok=True)
    asked_dir = data_dir or make_lake(folder, days, events_per_day)
    with run_api(asked_dir, folder / "api.log", ready="/health/ready") as client:
        measured = measure(client, days, times, warmup)
    write_json(folder / "results.json", measured)
    typer.echo(render(measured))


def make_lake(folder: Path, days: int, events_per_day: int) -> Path:
    """The data folder of a lake of so many days up to today, made unless it is there."""
    today = dt.datetime.now(dt.UTC).date()
    data_dir = folder / f"{today}-{days}-{events_per_day}"
    if not data_dir.exists():
        draft = folder / "draft"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        first = today - dt.timedelta(days=days - 1)
        run_apart(add_days, draft, folder / "history.log", first, days, events_per_day)
        draft.rename(data_dir)
    return data_dir


def measure(
    client: httpx.Client, days: int, times: int, warmup: int
) -> dict[str, dict[str, float]]:
    """Question -> milliseconds, see `bench.numbers.summarize`."""
    person = _ask_sql(client, _ONE_PERSON)["rows"][0][0]
    found: dict[str, list[float]] = {question.name: [] for question in QUESTIONS}
    for index, (start, end) in enumerate(_unasked_ranges(days, warmup + times)):
        for question in QUESTIONS:
            started = time.perf_counter()
            _ask(client, question, person, start, end)
            elapsed_ms = (time.perf_counter() - started) * 1000
            if index >= warmup:
                found[question.name].append(elapsed_ms)
    return {name: summarize(values) for name, values in found.items()}


def _unasked_ranges(days: int, count: int) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """One full hour more each time, before the data begins: other questions, the same rows."""
    midnight = dt.datetime.now(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    end = midnight + dt.timedelta(days=1)
    for index in range(count):
        yield end - dt.timedelta(days=days, hours=index), end


def _ask(
    client: httpx.Client, question: Question, person: str, start: dt.datetime, end: dt.datetime
) -> None:
    if question.sql:
        _ask_sql(client, question.sql.format(start=start, end=end))
        return
    params = dict(question.params)
    if question.has_range:
        params |= {"start": start.isoformat(), "end": end.isoformat()}
    client.get(question.path.format(person=person), params=params).raise_for_status()


def _ask_sql(client: httpx.Client, sql: str) -> dict[str, Any]:
    answer = client.post("/query", json={"sql": sql}).raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def render(measured: dict[str, dict[str, float]]) -> str:
    """As a table, slowest first; what misses the target is bold."""
    lines = ["| question | p50 | p95 |", "|---|---|---|"]
    for name, one in sorted(measured.items(), key=lambda item: -item[1]["p50"]):
        cells = (_mark(one["p50"], _P50_MS), _mark(one["p95"], _P95_MS))
        lines.append(f"| `{name}` | {cells[0]} | {cells[1]} |")
    return "\n".join(lines)


def _mark(value_ms: float, limit_ms: int) -> str:
    return f"{value_ms:.0f} ms" if value_ms <= limit_ms else f"**{value_ms:.0f} ms**"


if __name__ == "__main__":
    typer.run(main)
