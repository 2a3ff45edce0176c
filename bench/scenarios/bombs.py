"""`bombs`: statements that would never end, against `POST /query`, while metric queries go on.

The API alone runs over a made-up past. Metric queries are asked one after the other: alone before
each bomb (so that a JVM that gets warmer speeds up both), as long as it runs, and then until a
process for SQL is there again.
"""

from __future__ import annotations

import datetime as dt
import random
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import TypeVar

import httpx

from bench.api import run_api
from bench.numbers import percentile
from bench.scenarios.clients import Answer, ask, draw_question, show_times
from bench.scenarios.fabricate import add_days, run_apart
from bench.scenarios.outcome import Outcome, Target
from bench.scenarios.watch import Say

_T = TypeVar("_T")

_DOUBLED = ", ".join(
    f"t{n} AS (SELECT a.x FROM t{n - 1} a JOIN t{n - 1} b ON a.x < b.x)" for n in range(1, 25)
)
# Each passes the guard, for nothing in its text tells how much it does.
BOMBS = {
    "one expression": "SELECT aggregate(sequence(1, 1000000), 0L, (a, x) -> a + aggregate("
    "sequence(1, 1000000), 0L, (b, y) -> b + 1 + id)) FROM range(2)",
    "join by no equality": "SELECT count(*) FROM range(10000000) a JOIN range(10000000) b "
    "ON a.id * b.id % 7 = 3",
    "events thrice": "SELECT count(*) FROM silver.events a JOIN silver.events b "
    "ON a.page_path < b.page_path JOIN silver.events c ON b.visitor_id < c.visitor_id",
    "sort": "SELECT sha2(repeat(CAST(id AS STRING), 5000), 512) AS h FROM range(10000000) "
    "ORDER BY h",
    "plan that doubles": f"WITH t0 AS (SELECT id AS x FROM range(9)), {_DOUBLED} "
    "SELECT count(*) FROM t24",
    "memory": "SELECT collect_list(repeat(CAST(id AS STRING), 2000)) FROM range(10000000)",
}
_GRACE_S, _P95_RATIO = 2.0, 2.0
_THINK_S, _UNASKED = 0.1, 0.5
_TIMEOUT_S = 300


@dataclass(frozen=True)
class Cut:
    """A bomb, how it was answered (`504 query_timeout`), and seconds to the complete answer."""

    bomb: str
    status: int
    type: str
    seconds: float


def run(
    folder: Path, limit_s: int, seconds: int, days: int, events_per_day: int, say: Say
) -> Outcome:
    """limit_s: `serving.sql.timeout_s`; seconds: of metric queries alone, in all."""
    data_dir, log = folder / "stack", folder / "api.log"
    shutil.rmtree(data_dir, ignore_errors=True)
    data_dir.mkdir(parents=True)
    first = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=days)
    say(f"{days} days of {events_per_day:,} events")
    run_apart(add_days, data_dir, folder / "history.log", first, days, events_per_day)
    cuts, alone, beside, after = list[Cut](), list[Answer](), list[Answer](), list[Answer]()
    with run_api(data_dir, log, SERVING__SQL__TIMEOUT_S=str(limit_s)) as client:
        rng, hours = random.Random(0), count()

        def ask_beside(work: Callable[[], _T]) -> tuple[_T, list[Answer]]:
            """What `work` gives, and the metric queries asked as long as it took."""
            answers = []
            with ThreadPoolExecutor(1) as pool:
                working = pool.submit(work)
                while not working.done():
                    answers.append(ask(client, *draw_question(rng, lambda: next(hours), _UNASKED)))
                    time.sleep(_THINK_S)
            return working.result(), answers

        say("warming up")
        ask_beside(partial(_wait_until_ready, client))
        rest = partial(time.sleep, seconds / len(BOMBS))
        ask_beside(rest)
        for name, sql in BOMBS.items():
            alone += ask_beside(rest)[1]
            cut, answers = ask_beside(partial(_drop, client, name, sql))
            say(f"{name}: {cut.type} after {cut.seconds:.1f} s")
            cuts.append(cut)
            beside += answers
            after += ask_beside(partial(_wait_until_ready, client))[1]
    return conclude(limit_s, cuts, alone, beside, after)


def conclude(
    limit_s: float, cuts: list[Cut], alone: list[Answer], beside: list[Answer], after: list[Answer]
) -> Outcome:
    """Metric queries alone, beside a bomb, and while the process for SQL starts again after one."""
    figures = {"limit (`serving.sql.timeout_s`)": f"{limit_s:g} s"}
    figures |= {f"bomb: {cut.bomb}": f"{cut.type} after {cut.seconds:.2f} s" for cut in cuts}
    times = {
        what: [answer.seconds for answer in answers if answer.status == 200]
        for what, answers in (("alone", alone), ("beside", beside), ("after", after))
    }
    figures |= {
        "metric queries alone": show_times(times["alone"]),
        "metric queries beside a bomb": show_times(times["beside"]),
        "metric queries until SQL is there again": show_times(times["after"]),
    }
    failed = sum(answer.status != 200 for answer in (*alone, *beside, *after))
    p95 = {what: percentile(found, 0.95) for what, found in times.items()}
    targets = [
        Target("bombs that were answered", float(sum(cut.status == 200 for cut in cuts)), 0, ""),
        Target("longest over the limit", max(cut.seconds for cut in cuts) - limit_s, _GRACE_S, "s"),
        Target("metric queries that failed", float(failed), 0, ""),
        Target("p95 beside bombs / alone", p95["beside"] / p95["alone"], _P95_RATIO, ""),
    ]
    details = {"cuts": [vars(cut) for cut in cuts], "times": times}
    return Outcome(figures, targets, details)


def _drop(client: httpx.Client, name: str, sql: str) -> Cut:
    started = time.perf_counter()
    answer = client.post("/query", json={"sql": sql}, timeout=_TIMEOUT_S)
    seconds = time.perf_counter() - started
    type_ = "answer" if answer.status_code == 200 else answer.json()["error"]["type"]
    return Cut(name, answer.status_code, f"{answer.status_code} {type_}", seconds)


def _wait_until_ready(client: httpx.Client) -> None:
    """The API is warm, and so is a process for SQL. Raises RuntimeError."""
    deadline = time.monotonic() + _TIMEOUT_S
    while client.get("/health/ready").status_code != 200 or not _has_sql(client):
        if time.monotonic() > deadline:
            raise RuntimeError(f"the API was not ready after {_TIMEOUT_S} s")
        time.sleep(_THINK_S)


def _has_sql(client: httpx.Client) -> bool:
    return client.post("/query", json={"sql": "SELECT 1"}, timeout=_TIMEOUT_S).status_code == 200
