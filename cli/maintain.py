"""`web-analytics maintain`: compaction, cleaning up and retention of every table.

Asks the running app to do it, for it alone may write; where none runs, does it here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import DataDir

if TYPE_CHECKING:
    from streaming.checkpoints import FlowState
    from streaming.runtime import Runtime


def maintain(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Fold Gold, put small files together, delete old versions, let go of what is too old.

    Changes no answer, and the app goes on meanwhile. How long what is kept: the settings
    `retention` (web-analytics config show). May be run at any time, again, and after it was cut
    off; once a day is a good measure.

    \b
    Examples:
      web-analytics maintain --dry-run
      web-analytics maintain
      WEB_ANALYTICS_RETENTION__BRONZE_DAYS=90 web-analytics maintain   # where the app is down
    """
    from cli.app_commands import carry_out

    result = carry_out("maintain", {"is_dry_run": dry_run}, data_dir, _do_here)
    typer.echo(json.dumps(result, indent=2)) if as_json else show(result)


def _do_here(
    runtime: Runtime, _: Mapping[str, FlowState], __: str, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    from cli.app_commands import say
    from streaming.handlers import maintain_tables

    return maintain_tables(runtime, arguments, say)


def show(result: dict[str, Any]) -> None:
    """Print the result for people."""
    from rich.console import Console
    from rich.table import Column, Table

    console = Console()
    names = ("files", "then", "folded", "compacted", "expired", "deleted")
    table = Table("table", *(Column(name, justify="right") for name in names))
    for done in result["tables"]:
        numbers = (done["files_before"], done["files_after"], *(done[name] for name in names[2:]))
        table.add_row(done["table"], *(f"{number:,}" if number else "-" for number in numbers))
    console.print(table)
    what = "would be" if result["is_dry_run"] else "were"
    console.print(
        f"folded: partials that {what} merged into others. compacted: small files that {what} put "
        f"together. expired: rows that {what} let go of. deleted: files of old versions (up to "
        "1,000 are counted)."
    )
    for done in result["tables"]:
        for note in done["notes"]:
            console.print(f"[yellow]{done['table']}: {note}[/]")
