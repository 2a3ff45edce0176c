"""`web-analytics rebuild` and `replay-dead-letters`: today's rules for what is in already.

Asks the running app to do it, for it alone may write; where none runs, does it here and brings
sessions and Gold in line before it ends.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import DataDir, load_command_settings

if TYPE_CHECKING:
    from settings.model import Settings

_FAILED = 1
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
    from cli.status import find_running
    from streaming.lock import LakeInUse
    from streaming.overview import Unobservable
    from streaming.rejudge.commands import RebuildError
    from streaming.report import is_app_running, read_report
    from streaming.requests import RequestFailed

    try:
        settings = find_running(load_command_settings(data_dir))
        if is_app_running(read_report(settings)):
            result = _ask(settings, command, arguments)
        else:
            result = _do_here(settings, command, arguments)
    except (Unobservable, LakeInUse, RebuildError, RequestFailed) as error:
        typer.echo(f"web-analytics: {error}", err=True)
        raise typer.Exit(_FAILED) from error
    typer.echo(json.dumps(result, indent=2)) if as_json else show(result)


def _ask(settings: Settings, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
    from streaming.report import is_app_running, read_report
    from streaming.requests import follow_request, send_request

    request = send_request(settings, command, arguments)
    for said in follow_request(settings, request, lambda: is_app_running(read_report(settings))):
        if isinstance(said, dict):
            return said
        _say(said)
    raise AssertionError("a request ends with its answer")


def _do_here(settings: Settings, command: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Start Spark, carry it out, and let the flows after Silver follow."""
    _say("the app does not run: doing it here")
    from embedded.jars import spark_jars
    from embedded.java import java_home
    from streaming.__main__ import hold_app

    os.environ["JAVA_HOME"] = str(java_home())
    jars = spark_jars() if settings.spark.packages else []
    with hold_app(settings, jars) as (runtime, states):
        from streaming.handlers import PASSES
        from streaming.pipeline import AFTER_SILVER
        from streaming.run import drain_flows

        result = PASSES[command](runtime, arguments, _say)
        if not result.is_dry_run:
            _say("bringing sessions and Gold in line")
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


def _say(text: str) -> None:
    typer.echo(f"{text} ...", err=True)
