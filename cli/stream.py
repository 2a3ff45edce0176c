"""`web-analytics stream`: the streaming app alone."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from cli.options import DataDir, load_command_settings

REFUSES_TO_START = 3  # not worth a restart: `up` stops when it sees this


def stream(
    available_now: Annotated[
        bool,
        typer.Option(
            "--available-now",
            help="Work through all that is there, in every stage, then exit.",
        ),
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Run the streaming app: Kafka to Bronze, Silver, sessions and Gold.

    Creates the topics where they are missing. SIGTERM or Ctrl-C stops it between batches. Exit
    code 1: a flow failed; started again, it goes on from its checkpoints. Exit code 3: it refuses
    to start or to go on: tables and checkpoints do not belong together, another instance works on
    the lake, or too large a share of the records is rejected.

    \b
    Examples:
      web-analytics stream
      web-analytics --config conf/cluster.yaml stream --available-now
    """
    settings = load_command_settings(data_dir)
    from embedded.jars import spark_jars
    from embedded.java import java_home
    from embedded.kafka import create_topics
    from settings.logs import configure_logging
    from streaming.__main__ import run
    from streaming.checkpoints import CheckpointError
    from streaming.lock import LakeInUse
    from streaming.maintenance.compact import CompactionFailed
    from streaming.reject_limit import TooManyRejects
    from streaming.run import FlowFailed

    configure_logging(settings)
    os.environ["JAVA_HOME"] = str(java_home())
    create_topics(settings.kafka)
    jars = spark_jars() if settings.spark.packages else None
    try:
        run(settings, available_now=available_now, jars=jars)
    except (CheckpointError, LakeInUse, TooManyRejects) as error:
        typer.echo(f"web-analytics: {error}", err=True)
        raise typer.Exit(REFUSES_TO_START) from error
    except (FlowFailed, CompactionFailed) as error:
        typer.echo(f"web-analytics: {error}", err=True)
        raise typer.Exit(1) from error
