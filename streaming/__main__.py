"""The streaming app: settings -> session -> tables -> flows -> await.

Started by `web-analytics stream` on one machine and by spark-submit.sh on a cluster.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import structlog

from settings.load import load_settings
from settings.logs import configure_logging
from settings.model import Settings
from streaming.flow import check_flows
from streaming.lock import hold_lake, hold_lease
from streaming.pipeline import FLOWS
from streaming.run import await_flows, drain_flows
from streaming.runtime import Runtime
from streaming.session import build_session
from streaming.sinks import create_tables

log = structlog.get_logger(__name__)


def run(settings: Settings, *, available_now: bool, jars: list[Path] | None = None) -> None:
    """Run the app until it is told to stop, or with `available_now` until all is worked through.

    Raises CheckpointError or LakeInUse instead of starting where that could lose or double data,
    and StreamingQueryException when a flow fails.
    """
    with hold_lake(settings):
        runtime = Runtime(build_session(settings, jars or []), settings)
        try:
            with hold_lease(settings):
                create_tables(runtime)
                states = check_flows(runtime, FLOWS)
                if available_now:
                    drain_flows(runtime, FLOWS, states)
                else:
                    await_flows(runtime, FLOWS, states, _announce_ready)
        finally:
            runtime.spark.stop()


def _announce_ready() -> None:
    log.info("all flows started", flows=[flow.name for flow in FLOWS])
    if ready_file := os.environ.get("WEB_ANALYTICS_READY_FILE"):
        Path(ready_file).write_text(str(os.getpid()), encoding="utf-8")


if __name__ == "__main__":
    loaded = load_settings()
    configure_logging(loaded)
    run(loaded, available_now="--available-now" in sys.argv[1:])
