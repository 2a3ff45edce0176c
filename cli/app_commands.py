"""Commands that only the app may carry out: asked of the one that runs, or done here in its place.

One process writes to a lake (docs/adr/0006), so a command line either sends a request or holds the
lake itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cli.options import load_command_settings

if TYPE_CHECKING:
    from settings.model import Settings
    from streaming.checkpoints import FlowState
    from streaming.runtime import Runtime

    DoHere = Callable[[Runtime, Mapping[str, FlowState], str, Mapping[str, Any]], dict[str, Any]]

_FAILED = 1


def carry_out(
    command: str,
    arguments: dict[str, Any],
    data_dir: Path | None,
    do_here: DoHere,
    *expected: type[Exception],
) -> dict[str, Any]:
    """The app's answer to a command. What is expected to fail is one message and exit code 1."""
    from cli.status import find_running
    from streaming.lock import LakeInUse
    from streaming.overview import Unobservable
    from streaming.report import is_app_running, read_report
    from streaming.requests import RequestFailed

    expected_errors: tuple[type[Exception], ...] = (
        *(Unobservable, LakeInUse, RequestFailed),
        *expected,
    )
    try:
        settings = find_running(load_command_settings(data_dir))
        if is_app_running(read_report(settings)):
            return _ask(settings, command, arguments)
        return _hold_and_do(settings, command, arguments, do_here)
    except expected_errors as error:
        typer.echo(f"web-analytics: {error}", err=True)
        raise typer.Exit(_FAILED) from error


def say(text: str) -> None:
    """What goes on, for who waits."""
    typer.echo(f"{text} ...", err=True)


def _ask(settings: Settings, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
    from streaming.report import is_app_running, read_report
    from streaming.requests import follow_request, send_request

    request = send_request(settings, command, arguments)
    for said in follow_request(settings, request, lambda: is_app_running(read_report(settings))):
        if isinstance(said, dict):
            return said
        say(said)
    raise AssertionError("a request ends with its answer")


def _hold_and_do(
    settings: Settings, command: str, arguments: Mapping[str, Any], do_here: DoHere
) -> dict[str, Any]:
    """Start Spark and be the app for as long as it takes."""
    say("the app does not run: doing it here")
    from embedded.jars import spark_jars
    from embedded.java import java_home
    from streaming.__main__ import hold_app

    os.environ["JAVA_HOME"] = str(java_home())
    jars = spark_jars() if settings.spark.packages else []
    with hold_app(settings, jars) as (runtime, states):
        return do_here(runtime, states, command, arguments)
