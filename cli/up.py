"""`web-analytics up`: everything on this machine, in the foreground."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Annotated

import typer

from cli.options import DataDir, load_command_settings


def up(
    data_dir: DataDir = None,
    api_port: Annotated[
        int | None, typer.Option(help="Port of the API [8002].", min=1, max=65535)
    ] = None,
    kafka_port: Annotated[
        int | None, typer.Option(help="Port of Kafka [9092].", min=1, max=65535)
    ] = None,
    redis_port: Annotated[
        int | None, typer.Option(help="Port of Redis [6379].", min=1, max=65535)
    ] = None,
    no_sample: Annotated[bool, typer.Option("--no-sample", help="No sample traffic.")] = False,
) -> None:
    """Run everything on this machine: Kafka, Redis, the streaming app, the API, sample traffic.

    Prints "ready" and the URLs once all of it answers. A port left out is the default one if that
    is free, else any; one that you name must be free. Ctrl-C or SIGTERM stops it cleanly, a second
    time at once; starting again continues where it stopped.

    \b
    Examples:
      web-analytics up
      web-analytics up --no-sample --data-dir /srv/analytics --api-port 9000
    """
    # Until the supervisor takes over, a SIGTERM must still end what a download has started.
    signal.signal(signal.SIGTERM, _leave)
    from embedded.stack import AskedPorts, run_stack

    settings = load_command_settings(data_dir)
    asked = AskedPorts(api_port, kafka_port, redis_port)
    raise typer.Exit(run_stack(settings, asked, with_sample=not no_sample))


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + signal.SIGTERM)
