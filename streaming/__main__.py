"""The streaming app: settings -> session -> tables -> flows -> await.

Started by `web-analytics stream` on one machine and by spark-submit.sh on a cluster.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from settings.load import load_settings
from settings.logs import configure_logging
from settings.model import Settings
from streaming.checkpoints import FlowState
from streaming.flow import check_flows
from streaming.lock import hold_lake, hold_lease
from streaming.pipeline import FLOWS
from streaming.rejudge.place import finish_pending
from streaming.run import await_flows, drain_flows
from streaming.runtime import Runtime
from streaming.session import build_session
from streaming.sinks import create_tables

log = structlog.get_logger(__name__)


@contextmanager
def hold_app(
    settings: Settings, jars: list[Path]
) -> Iterator[tuple[Runtime, dict[str, FlowState]]]:
    """Be the one app of this lake: session, tables and checkpoints, checked and ready for flows.

    Raises CheckpointError or LakeInUse instead, where going on could lose or double data.
    """
    with hold_lake(settings):
        runtime = Runtime(build_session(settings, jars), settings)
        try:
            with hold_lease(settings):
                create_tables(runtime)
                states = check_flows(runtime, FLOWS)
                finish_pending(runtime)
                yield runtime, states
        finally:
            runtime.spark.stop()


def run(settings: Settings, *, available_now: bool, jars: list[Path] | None = None) -> None:
    """Run the app until it is told to stop, or with `available_now` until all is worked through.

    Raises what `hold_app` raises; and FlowFailed, CompactionFailed or TooManyRejects.
    """
    with hold_app(settings, jars or []) as (runtime, states):
        if available_now:
            drain_flows(runtime, FLOWS, states)
        else:
            await_flows(runtime, FLOWS, states, _announce_ready)


def _announce_ready() -> None:
    log.info("all flows started", flows=[flow.name for flow in FLOWS])
    if ready_file := os.environ.get("WEB_ANALYTICS_READY_FILE"):
        Path(ready_file).write_text(str(os.getpid()), encoding="utf-8")


if __name__ == "__main__":
    loaded = load_settings()
    configure_logging(loaded)
    run(loaded, available_now="--available-now" in sys.argv[1:])
