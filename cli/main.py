"""The command `web-analytics`: its global option, its list of commands, its one way to fail.

From the arguments to one function in `cli/<command>.py`; only the module of the command that is
asked for is imported, so `--help` is quick.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

# name: (module, function or typer app in it, what the list of commands says)
COMMANDS = {
    "up": ("cli.up", "up", "Run everything on this machine, in the foreground."),
    "stream": ("cli.stream", "stream", "Run the streaming app alone."),
    "serve": ("cli.serve", "serve", "Run the API and the dashboard alone."),
    "send": ("cli.send", "send", "Send a file of events or an access log into Kafka."),
    "simulate": ("cli.simulate", "simulate", "Send realistic traffic with known truth."),
    "status": ("cli.status", "status", "Show lag, freshness, the ledger and each check."),
    "report": ("cli.report", "report", "Write a report of the running API, for cron and mail."),
    "explain-number": (
        "cli.explain_number",
        "explain_number",
        "Trace a number to its events and offsets.",
    ),
    "rebuild": ("cli.rejudge", "rebuild", "Make some days again under today's rules."),
    "replay-dead-letters": (
        "cli.rejudge",
        "replay_dead_letters",
        "Judge rejected records by today's rules.",
    ),
    "maintain": ("cli.maintain", "maintain", "Compact, clean up, and apply retention."),
    "keys": ("cli.keys", "app", "Make, list, replace and revoke API keys."),
    "config": ("cli.config", "app", "Show the settings in force."),
}
_EXPECTED_ERROR = 2


class LazyGroup(TyperGroup):
    """Lists the commands from COMMANDS, and imports the one that is called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, placeholder, rest = super().resolve_command(ctx, args)
        return name, _load_command(name) if name else placeholder, rest


app = typer.Typer(
    cls=LazyGroup,
    help="Web analytics in your own lakehouse. Each command has a --help of its own.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def choose_config(
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            help="Settings file (also WEB_ANALYTICS_CONFIG); default conf/local.yaml.",
            exists=True,
            dir_okay=False,
            resolve_path=True,
        ),
    ] = None,
) -> None:
    # Handed on by the environment, so that processes started from here read the same file.
    if config is not None:
        os.environ["WEB_ANALYTICS_CONFIG"] = str(config)


def _load_command(name: str) -> Any:
    module, attribute, _ = COMMANDS[name]
    target = getattr(importlib.import_module(module), attribute)
    if not isinstance(target, typer.Typer):
        single = typer.Typer(
            add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
        )
        single.command(name)(target)
        target = single
    return typer.main.get_command(target)


def _placeholder() -> None:
    """Stands in the list of commands for a function that is imported only when called."""


for _name, (_, _, _help) in COMMANDS.items():
    app.command(_name, help=_help)(_placeholder)


def main() -> None:
    """Run a command. An error we expect is one message and exit code 2, never a traceback."""
    try:
        app()
    except Exception as error:
        # Imported here, so that nothing is when all goes well.
        from embedded.errors import StackError
        from settings.load import SettingsError

        if not isinstance(error, StackError | SettingsError):
            raise
        typer.echo(f"web-analytics: {error}", err=True)
        sys.exit(_EXPECTED_ERROR)


if __name__ == "__main__":
    main()
