"""`uniques`: distinct visitors and percentiles as the API answers them, against exact ones.

A year is made up (`bench/scenarios/history.py`), and the API alone runs over it. Its visitors are
known by arithmetic, those of single pages and all percentiles by counting in Silver.
"""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import httpx
from pyspark.sql import functions as F

from bench.api import run_api
from bench.scenarios.fabricate import add_days, run_apart
from bench.scenarios.history import count_visitors, make_sites
from bench.scenarios.outcome import Outcome, Target
from bench.scenarios.watch import Say
from schemas import silver
from streaming.runtime import Runtime
from streaming.sources import read_table

_RANGES = (1, 7, 30, 365)
_RANKS = {"p50": 0.5, "p75": 0.75, "p90": 0.9, "p99": 0.99}
_ERROR, _RANK_ERROR, _WITHIN = 0.02, 0.01, 0.95
_SMALL = 1_000  # below, an answer is within one

Counts = dict[tuple[str, int], dict[str, int]]


def run(folder: Path, days: int, events_per_day: int, say: Say) -> Outcome:
    """days: of history; the ranges asked are those that fit into it."""
    data_dir = folder / "stack"
    shutil.rmtree(data_dir, ignore_errors=True)
    data_dir.mkdir(parents=True)
    today = dt.datetime.now(dt.UTC).date()
    say(f"{days} days of {events_per_day:,} events")
    log = folder / "history.log"
    run_apart(add_days, data_dir, log, today - dt.timedelta(days=days), days, events_per_day)
    ranges = [length for length in _RANGES if length <= days]
    say("counting exactly")
    exact = run_apart(count_pages, data_dir, log, today, ranges)
    say("asking the API")
    with run_api(data_dir, folder / "api.log") as client:
        visitors = _compare_visitors(client, today, ranges, events_per_day, exact)
        answered = _ask_percentiles(client, today, ranges)
    ranks = run_apart(find_rank_errors, data_dir, log, today, answered)
    return conclude(visitors, ranks)


def count_pages(runtime: Runtime, today: dt.date, ranges: list[int]) -> Counts:
    """(site, days) -> distinct visitors of each page, counted one by one."""
    counts: Counts = {}
    events = read_table(runtime, silver.EVENTS.name).where("event_type = 'page_view'")
    for days in ranges:
        since = today - dt.timedelta(days=days)
        rows = events.where((F.col("event_date") >= since) & (F.col("event_date") < today))
        counted = rows.groupBy("site_id", "page_path").agg(F.countDistinct("visitor_id")).collect()
        for site_id, page_path, visitors in counted:
            counts.setdefault((site_id, days), {})[page_path] = visitors
    return counts


def _compare_visitors(
    client: httpx.Client, today: dt.date, ranges: list[int], events_per_day: int, exact: Counts
) -> list[tuple[str, int, int]]:
    """(question, answered, exact) of all sites, ranges and pages."""
    found = []
    for site in make_sites(events_per_day):
        for days in ranges:
            params = _range(today, days) | {"site_id": site.name, "limit": "10000"}
            (row,) = _get(client, "/sessions", params)
            of_all = f"/sessions {site.name} {days} d"
            found.append((of_all, row["unique_visitors"], count_visitors(site, days)))
            for row in _get(client, "/pages", params):
                name, path = row["page_path"], f"/pages {site.name} {days} d"
                counted = exact[(site.name, days)].get(name)
                if counted is not None:
                    found.append((f"{path} {name}", row["unique_visitors"], counted))
    return found


def _ask_percentiles(
    client: httpx.Client, today: dt.date, ranges: list[int]
) -> list[tuple[int, str, str, float]]:
    """(days, measure, rank, answered value) over all sites."""
    return [
        (days, row["metric"], rank, row[rank])
        for days in ranges
        for row in _get(client, "/performance", _range(today, days))
        for rank in _RANKS
    ]


def find_rank_errors(
    runtime: Runtime, today: dt.date, answered: list[tuple[int, str, str, float]]
) -> list[tuple[str, float]]:
    """(question, how far the answered value's true rank is from the one asked for)."""
    events = read_table(runtime, silver.EVENTS.name).where("event_type = 'page_view'")
    found = []
    for days in sorted({days for days, *_ in answered}):
        since = today - dt.timedelta(days=days)
        rows = events.where((F.col("event_date") >= since) & (F.col("event_date") < today))
        asked = [item for item in answered if item[0] == days]
        sums = [
            F.expr(f"count_if({measure} {sign} {value!r}D) / count({measure})")
            for _, measure, _, value in asked
            for sign in ("<", "<=")
        ]
        shares = rows.agg(*(item.alias(f"_{index}") for index, item in enumerate(sums))).collect()[
            0
        ]
        for index, (_, measure, rank, _) in enumerate(asked):
            below, up_to = shares[2 * index], shares[2 * index + 1]
            error = measure_rank_error(_RANKS[rank], below, up_to)
            found.append((f"/performance {measure} {rank} {days} d", error))
    return found


def measure_rank_error(rank: float, below: float, up_to: float) -> float:
    """How far a value's ranks are from `rank`; below: share of smaller values, up_to: of those and
    its equals."""
    return max(0.0, below - rank, rank - up_to)


def conclude(visitors: list[tuple[str, int, int]], ranks: list[tuple[str, float]]) -> Outcome:
    """visitors: (question, answered, exact); ranks: (question, rank error)."""
    small = [(answer, exact) for _, answer, exact in visitors if exact < _SMALL]
    large = [abs(answer - exact) / exact for _, answer, exact in visitors if exact >= _SMALL]
    off = max((abs(answer - exact) for answer, exact in small), default=0)
    beyond = share_beyond(large, _ERROR)
    errors = [error for _, error in ranks]
    figures = {
        f"{what}": f"{answer:,} for {exact:,} ({(answer - exact) / exact:+.2%})"
        for what, answer, exact in visitors
        if what.startswith("/sessions")
    }
    figures |= {
        f"answers below {_SMALL:,}": f"{len(small)}, at most {off} off",
        f"answers from {_SMALL:,} on": f"{len(large)}, at most {max(large, default=0):.2%} off",
        "percentiles": f"{len(errors)}, rank error at most {max(errors, default=0):.2%}",
    }
    targets = [
        Target(f"off by, below {_SMALL:,}", float(off), 1, ""),
        Target(f"share off by more than {_ERROR:.0%}", beyond, 1 - _WITHIN, ""),
        Target(
            f"share with a rank error over {_RANK_ERROR:.0%}",
            share_beyond(errors, _RANK_ERROR),
            1 - _WITHIN,
            "",
        ),
    ]
    return Outcome(figures, targets, {"visitors": visitors, "ranks": ranks})


def share_beyond(values: list[float], limit: float) -> float:
    """Share of values over the limit; 0 of none."""
    return sum(value > limit for value in values) / len(values) if values else 0.0


def _range(today: dt.date, days: int) -> dict[str, str]:
    return {"start": (today - dt.timedelta(days=days)).isoformat(), "end": today.isoformat()}


def _get(client: httpx.Client, path: str, params: dict[str, str]) -> list[dict[str, Any]]:
    answer = client.get(path, params=params)
    answer.raise_for_status()
    rows: list[dict[str, Any]] = answer.json()["data"]
    return rows
