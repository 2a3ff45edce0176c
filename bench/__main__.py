"""`make bench`: generate, reference, steps, chain, freshness, latency, then the report.

Everything it keeps is in `bench-data/`: the events, the stack's data, `state.json` (finished
stages; an interrupted run goes on there), `results.json`. Nothing else is touched.
"""

from __future__ import annotations

import json
import signal
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from bench.plan import ROOT, Plan, State, open_state
from bench.report import render_table, write_into, write_results
from bench.stages import STAGES, Run
from embedded.errors import StackError

_PAGES = (ROOT / "README.md", ROOT / "docs" / "bench.md")


def main(
    fresh: Annotated[bool, typer.Option(help="Forget the stages that are finished.")] = False,
    events: Annotated[int, typer.Option(help="Events in the backlog.", min=1000)] = Plan.events,
    steady_s: Annotated[int, typer.Option(help="Seconds at steady rate.", min=5)] = Plan.steady_s,
    folder: Annotated[Path, typer.Option(help="Where everything is kept.")] = ROOT / "bench-data",
    table: Annotated[bool, typer.Option("--table", help="Only print the last table.")] = False,
    write_docs: Annotated[
        bool, typer.Option("--write-docs", help="Put the last table into README and docs.")
    ] = False,
) -> None:
    """Measure the whole chain on this machine."""
    if not (table or write_docs):
        # A SIGTERM must stop what the bench has started, as Ctrl-C does.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        plan = Plan(events=events, steady_s=steady_s)
        try:
            _run_stages(folder, open_state(folder, plan, is_fresh=fresh))
        except (RuntimeError, StackError) as error:
            typer.echo(f"bench: {error}", err=True)
            raise typer.Exit(1) from error
    results_file = folder / "results.json"
    if not results_file.exists():
        raise typer.BadParameter(f"{results_file} is not there: run `make bench` first")
    text = render_table(json.loads(results_file.read_text(encoding="utf-8")))
    if write_docs:
        for page in _PAGES:
            write_into(page, text)
    typer.echo(text)


def _run_stages(folder: Path, state: State) -> None:
    """Run what is not finished yet, keeping each result as soon as it is there."""
    columns = (TextColumn("{task.description:<17}"), BarColumn(), TimeElapsedColumn())
    with ExitStack() as open_things, Progress(*columns, console=Console(stderr=True)) as progress:
        run = Run(folder, state, open_things)
        bars = [progress.add_task(stage.__name__, total=1.0, start=False) for stage in STAGES]
        for stage, bar in zip(STAGES, bars, strict=True):
            name = stage.__name__
            if name in state.stages:
                progress.update(bar, completed=1.0, description=f"{name} (kept)")
                continue
            progress.start_task(bar)
            state.keep(name, stage(run, partial(_show_share, progress, bar)))
            progress.update(bar, completed=1.0)
            progress.stop_task(bar)
    write_results(folder / "results.json", state)


def _show_share(progress: Progress, bar: TaskID, share: float) -> None:
    progress.update(bar, completed=share)


if __name__ == "__main__":
    typer.run(main)
