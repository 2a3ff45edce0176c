"""`web-analytics rebuild` and `replay-dead-letters`: today's rules for what is in already.

Asks the running app to do it, for it alone may write; where none runs, does it here and brings
sessions and Gold in line before it ends.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.app_commands import say
from cli.options import DataDir

if TYPE_CHECKING:
    from streaming.checkpoints import FlowState
    from streaming.runtime import Runtime

_SHOWN_CHANGES = 60

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")]


def rebuild(
    first: Annotated[str, typer.Option("--from", help="First UTC day, as 2026-05-17.")],
    until: Annotated[str, typer.Option("--to", help="The day after the last one (excluded).")],
    dry_run: DryRun = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Make Silver, sessions and Gold of some days again from Bronze, under today's rules.

    Reads the rule files again, so an edited conf/rules/bots.yaml or channels.yaml counts, for live
    events too. Each table shows all old or all new, and the app goes on meanwhile. Every number
    that differs is printed, and kept in <checkpoints>/rejudged/.

    \b
    Examples:
      web-analytics rebuild --from 2026-05-01 --to 2026-06-01 --dry-run
      web-analytics rebuild --from 2026-05-01 --to 2026-06-01
    """
    first_day, end = _read_day("--from", first), _read_day("--to", until)
    if end <= first_day:
        raise typer.BadParameter(f"--to {until} is not after --from {first} (it is excluded)")
    last = end - timedelta(days=1)
    arguments = {
        "first": first_day.isoformat(),
        "last": last.isoformat(),
        "is_dry_run": dry_run,
    }
    _carry_out("rebuild", arguments, data_dir, as_json)


def replay_dead_letters(
    reason: Annotated[
        str | None, typer.Option(help="Only those rejected for this reason, as invalid_url.")
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Judge rejected records by today's rules; what passes now enters Silver and Gold once.

    \b
    Examples:
      web-analytics replay-dead-letters --dry-run
      web-analytics replay-dead-letters --reason invalid_timestamp
    """
    from schemas.reject import RejectReason

    known = [str(one) for one in RejectReason]
    if reason is not None and reason not in known:
        raise typer.BadParameter(f"--reason {reason!r} is none of {', '.join(known)}")
    arguments = {"reason": reason, "is_dry_run": dry_run}
    _carry_out("replay-dead-letters", arguments, data_dir, as_json)


def _read_day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{option} {text!r} is no date, as 2026-05-17") from error


def _carry_out(
    command: str, arguments: dict[str, Any], data_dir: Path | None, as_json: bool
) -> None:
    from cli.app_commands import carry_out
    from streaming.rejudge.commands import RebuildError

    result = carry_out(command, arguments, data_dir, _do_here, RebuildError)
    typer.echo(json.dumps(result, indent=2)) if as_json else show(result)


def _do_here(
    runtime: Runtime, states: Mapping[str, FlowState], command: str, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """Carry it out in this process, and let the flows after Silver follow."""
    from streaming.handlers import PASSES
    from streaming.pipeline import AFTER_SILVER
    from streaming.run import drain_flows

    result = PASSES[command](runtime, arguments, say)
    if not result.is_dry_run:
        say("bringing sessions and Gold in line")
        drain_flows(runtime, AFTER_SILVER, states, beats=False)
    return result.as_dict()


def show(result: dict[str, Any]) -> None:
    """Print the result for people."""
    from rich.console import Console
    from rich.table import Column, Table

    console = Console()
    verb = "would be" if result["is_dry_run"] else "were"
    console.print(
        f"{result['records']:,} records {verb} judged again, {result['new_events']:,} of them "
        f"enter anew; {len(result['changes'])} numbers differ."
    )
    numbers = [Column(name, justify="right", no_wrap=True) for name in ("before", "after")]
    table = Table("table", "metric", *numbers)
    for change in result["changes"][:_SHOWN_CHANGES]:
        table.add_row(
            change["table"], change["metric"], f"{change['before']:,g}", f"{change['after']:,g}"
        )
    if result["changes"]:
        console.print(table)
    if len(result["changes"]) > _SHOWN_CHANGES:
        console.print(f"... all of them with --json, and in rejudged/{result['id']}.json")
