"""`python -m bench.scenarios NAME`: one long run, its result kept and shown.

Everything lies in `bench-data/scenarios/`: a folder for each scenario's stack, a JSON file for its
result. Exit code 1: something was lost or wrong; 3: all is right, and a target was missed.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from bench.plan import ROOT
from bench.report import write_into
from bench.scenarios import bombs, catch_up, clients, growth, one_visitor, report, steady, uniques
from bench.scenarios.outcome import Outcome
from bench.scenarios.watch import Say
from embedded.errors import StackError

_NAMES = ["catch-up", "steady", "one-visitor", "growth", "uniques", "clients", "bombs"]
_PAGE = ROOT / "docs" / "performance.md"
_MISSED = 3

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)

Folder = Annotated[Path, typer.Option(help="Where everything is kept.")]
Rate = Annotated[int, typer.Option(help="Events/s that go on meanwhile.", min=1)]
Warmup = Annotated[int, typer.Option(help="Seconds before anything is measured.", min=1)]
_FOLDER = ROOT / "bench-data" / "scenarios"


@app.command("catch-up")
def run_catch_up(
    events: Annotated[int, typer.Option(help="Events of backlog.", min=1000)] = 1_000_000,
    rate: Rate = 500,
    around_s: Annotated[int, typer.Option(help="Seconds of traffic before and after.")] = 60,
    folder: Folder = _FOLDER,
) -> None:
    """A backlog while traffic goes on: time to drain, freshness, memory, state. About 10 minutes.

    Smoke run (about a minute): --events 5000 --rate 50 --around-s 8
    """
    options = {"events": events, "rate": rate, "around_s": around_s}
    _run("catch-up", folder, options, catch_up.run)


@app.command("steady")
def run_steady(
    rate: Rate = 2_000,
    minutes: Annotated[float, typer.Option(help="Minutes measured.", min=0.1)] = 20.0,
    warmup_s: Warmup = 90,
    folder: Folder = _FOLDER,
) -> None:
    """The same rate for long: freshness, rows behind, memory by quarter. 25 minutes.

    Smoke run (under a minute): --rate 50 --minutes 0.4 --warmup-s 5
    """
    _run("steady", folder, {"rate": rate, "minutes": minutes, "warmup_s": warmup_s}, steady.run)


@app.command("one-visitor")
def run_one_visitor(
    events: Annotated[int, typer.Option(help="Events of that visitor.", min=100)] = 1_000_000,
    rate: Rate = 500,
    warmup_s: Warmup = 45,
    folder: Folder = _FOLDER,
) -> None:
    """As many events from one visitor as from many: lag, memory, sessions. About 20 minutes.

    Smoke run (about 3 minutes: two stacks, and sessions close after one): --events 3000 --rate 50
    --warmup-s 5
    """
    options = {"events": events, "rate": rate, "warmup_s": warmup_s}
    _run("one-visitor", folder, options, one_visitor.run)


@app.command("growth")
def run_growth(
    days: Annotated[str, typer.Option(help="Days of history, rising.")] = "4,40,400",
    events_per_day: Annotated[int, typer.Option(help="Made up a day.", min=100)] = 5_000,
    commits_per_day: Annotated[
        int, typer.Option(help="Empty commits a day in the busy tables' logs.", min=0)
    ] = 1_000,
    seconds: Annotated[int, typer.Option(help="Of steady traffic at each.", min=5)] = 60,
    folder: Folder = _FOLDER,
) -> None:
    """Start, batches, queries and files as history grows 1, 10, 100 times. About 25 minutes.

    Smoke run (about 4 minutes: five starts): --days 1,3 --events-per-day 200 --commits-per-day 20
    --seconds 10
    """
    lengths = tuple(int(length) for length in days.split(","))
    if list(lengths) != sorted(set(lengths)) or lengths[0] < 1:
        raise typer.BadParameter(f"--days {days}: rising numbers from 1 on, as 4,40,400")
    options = {
        "days": lengths,
        "events_per_day": events_per_day,
        "commits_per_day": commits_per_day,
        "seconds": seconds,
    }
    _run("growth", folder, options, growth.run)


@app.command("uniques")
def run_uniques(
    days: Annotated[int, typer.Option(help="Days of history.", min=1, max=399)] = 365,
    events_per_day: Annotated[int, typer.Option(help="Made up a day.", min=100)] = 5_000,
    folder: Folder = _FOLDER,
) -> None:
    """Distinct visitors over 1 to 365 days and percentiles against exact ones. About 8 minutes.

    Smoke run (under a minute): --days 7 --events-per-day 500
    """
    _run("uniques", folder, {"days": days, "events_per_day": events_per_day}, uniques.run)


@app.command("clients")
def run_clients(
    clients_: Annotated[int, typer.Option("--clients", help="At once.", min=1)] = 50,
    rate: Rate = 500,
    seconds: Annotated[int, typer.Option(help="Without, then with them.", min=5)] = 120,
    think_s: Annotated[float, typer.Option(help="A client's mean pause.", min=0)] = 1.0,
    unasked: Annotated[
        float, typer.Option(help="Share of questions nobody asked before.", min=0, max=1)
    ] = 0.1,
    warmup_s: Warmup = 60,
    settle_s: Annotated[
        int, typer.Option(help="Seconds in which the clients ask and nothing counts.", min=0)
    ] = 60,
    folder: Folder = _FOLDER,
) -> None:
    """Many clients while the stream runs: errors, p50/p95, freshness with and without. 8 minutes.

    Smoke run (about a minute): --clients 5 --rate 50 --seconds 8 --warmup-s 5 --settle-s 2
    """
    options = {
        "clients": clients_,
        "rate": rate,
        "seconds": seconds,
        "think_s": think_s,
        "unasked": unasked,
        "warmup_s": warmup_s,
        "settle_s": settle_s,
    }
    _run("clients", folder, options, clients.run)


@app.command("bombs")
def run_bombs(
    limit_s: Annotated[int, typer.Option(help="`serving.sql.timeout_s`.", min=1)] = 10,
    seconds: Annotated[int, typer.Option(help="Of metric queries alone, in all.", min=6)] = 60,
    days: Annotated[int, typer.Option(help="Days of history.", min=1, max=399)] = 30,
    events_per_day: Annotated[int, typer.Option(help="Made up a day.", min=100)] = 5_000,
    folder: Folder = _FOLDER,
) -> None:
    """SQL that never ends: when it is cut, and metric queries beside it. About 5 minutes.

    Smoke run (about 2 minutes): --limit-s 2 --seconds 8 --days 2 --events-per-day 500
    """
    options = {
        "limit_s": limit_s,
        "seconds": seconds,
        "days": days,
        "events_per_day": events_per_day,
    }
    _run("bombs", folder, options, bombs.run)


@app.command("table")
def show_table(
    write_docs: Annotated[
        bool, typer.Option("--write-docs", help="Also put it into docs/performance.md.")
    ] = False,
    folder: Folder = _FOLDER,
) -> None:
    """The kept results of all scenarios."""
    text = report.render(report.read_kept(folder, _NAMES))
    if write_docs:
        write_into(_PAGE, text, report.MARKS)
    typer.echo(text)


def _run(name: str, folder: Path, options: dict[str, Any], run: Callable[..., Outcome]) -> None:
    # A SIGTERM must stop what the scenario has started, as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    own = folder / name
    own.mkdir(parents=True, exist_ok=True)
    try:
        outcome = run(own, **options, say=_make_say(name))
    except (RuntimeError, StackError, httpx.HTTPError) as error:
        typer.echo(f"{name}: {error}", err=True)
        raise typer.Exit(1) from error
    file = report.keep(folder, name, options, outcome)
    typer.echo(report.render(report.read_kept(folder, [name])))
    typer.echo(f"everything: {file}", err=True)
    for target in outcome.missed():
        typer.echo(
            f"missed: {target.what}: {target.value:.2f}, at most {target.limit:.2f}", err=True
        )
    if outcome.missed():
        raise typer.Exit(_MISSED)


def _make_say(name: str) -> Say:
    started = time.monotonic()

    def say(text: str) -> None:
        typer.echo(f"{name} {time.monotonic() - started:6.0f} s  {text}", err=True)

    return say


if __name__ == "__main__":
    app()
