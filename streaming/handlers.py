"""What the app does on request: the commands of `streaming.requests`, by name.

From a request's arguments to its answer. The rule files are read again first, for live events as
well. After a pass the answer waits until sessions and Gold have
followed, so that whoever asked sees the new numbers everywhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from schemas import silver
from settings.model import Settings
from streaming.delta_log import latest_version
from streaming.maintenance.command import maintain
from streaming.progress import has_read
from streaming.rejudge.commands import Result, rebuild, replay
from streaming.rejudge.records import Days
from streaming.requests import Handler, Say
from streaming.runtime import Runtime, table_uri

_POLL_S = 0.5


def rebuild_days(runtime: Runtime, arguments: Mapping[str, Any], say: Say) -> Result:
    """arguments: first, last (ISO dates, both included), is_dry_run."""
    runtime.rules.renew()
    days = Days(date.fromisoformat(arguments["first"]), date.fromisoformat(arguments["last"]))
    return rebuild(runtime, days, is_dry_run=bool(arguments["is_dry_run"]), say=say)


def replay_letters(runtime: Runtime, arguments: Mapping[str, Any], say: Say) -> Result:
    """arguments: reason (or null), is_dry_run."""
    runtime.rules.renew()
    return replay(runtime, arguments["reason"], is_dry_run=bool(arguments["is_dry_run"]), say=say)


PASSES: dict[str, Callable[[Runtime, Mapping[str, Any], Say], Result]] = {
    "rebuild": rebuild_days,
    "replay-dead-letters": replay_letters,
}


def _and_wait(
    carry_out: Callable[[Runtime, Mapping[str, Any], Say], Result],
) -> Handler:
    def handle(runtime: Runtime, arguments: Mapping[str, Any], say: Say) -> dict[str, Any]:
        result = carry_out(runtime, arguments, say)
        if not result.is_dry_run:
            say("waiting for sessions and Gold to follow")
            wait_for_followers(runtime.settings)
        return result.as_dict()

    return handle


def maintain_tables(runtime: Runtime, arguments: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """arguments: is_dry_run. Nothing follows from it: no row that a flow reads is changed."""
    return maintain(runtime, is_dry_run=bool(arguments["is_dry_run"]), say=say).as_dict()


HANDLERS: dict[str, Handler] = {
    **{name: _and_wait(carry_out) for name, carry_out in PASSES.items()},
    "maintain": maintain_tables,
}


def wait_for_followers(settings: Settings) -> None:
    """Wait until every flow has read what `silver.events` and then `silver.sessions` have now."""
    for table, flows in (
        (silver.EVENTS.name, ("sessions", "gold_events", "gold_details")),
        (silver.SESSIONS.name, ("verdicts", "gold_sessions")),
        (silver.EVENTS.name, ("gold_events", "gold_details")),
    ):
        version = latest_version(table_uri(settings, table))
        while not all(has_read(settings, flow, version) for flow in flows):
            time.sleep(_POLL_S)
