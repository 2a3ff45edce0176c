"""The whole chain: the event set as a backlog, from Kafka to Gold, until nothing is behind.

A smaller set goes first, so that every flow is warm. Then the result is checked against what the
generator counted: a fast chain that loses events is worth nothing.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from typing import Any

from bench.flows import count_done, measure_busy, read_settings
from bench.generate import EventSet, read_events
from bench.plan import Plan
from bench.send import make_producer, send_all
from bench.stack import Stack, read_status, wait_for

_DRAIN_TIMEOUT_S = 600
# The flows that work on every event; gold_sessions has its work when sessions close.
_EVENT_FLOWS = ("bronze", "silver", "sessions", "gold_events", "gold_details")


def measure_chain(
    stack: Stack, plan: Plan, events: EventSet, advance: Callable[[float], None]
) -> dict[str, Any]:
    """Events per second end to end and per flow, and the proof that all of them arrived."""
    producer, topic = make_producer(stack.run["kafka"]), stack.run["topic"]
    send_all(producer, topic, read_events(events.file, 0, events.warmup_events))
    _drain(stack, events.warmup_events, lambda share: advance(0.2 * share))

    began_at, started = time.time(), time.monotonic()
    send_all(producer, topic, read_events(events.file, events.warmup_events, events.events))
    sent_s = time.monotonic() - started
    _drain(stack, events.warmup_events + events.events, lambda share: advance(0.2 + 0.5 * share))
    drained_s = time.monotonic() - started
    rates = {
        flow: round(events.events / measure_busy(stack.run["checkpoints"], flow, began_at))
        for flow in _EVENT_FLOWS
    }
    closed_s = _wait_for_sessions(stack, plan, events)
    ledger = read_status(stack)["ledger"]
    if not ledger["balanced"]:
        raise RuntimeError(f"the ledger does not balance after the backlog: {ledger}")
    advance(1.0)
    return {
        "events": events.events,
        "sending_s": round(sent_s, 1),
        "seconds": round(drained_s, 1),
        "events_per_s": round(events.events / drained_s),
        "flows_events_per_s": rates,
        "ledger": ledger,
        "sessions": events.visitors,
        "sessions_closed_after_s": round(closed_s, 1),
    }


def _drain(stack: Stack, records: int, advance: Callable[[float], None]) -> None:
    """Wait until so many records are in Gold."""
    settings = read_settings(stack.data_dir, stack.run["kafka"])

    def is_drained() -> bool:
        is_done, share = count_done(settings, records)
        advance(share)
        return is_done

    what = f"{records:,} records to be in Gold"
    wait_for(is_drained, _DRAIN_TIMEOUT_S, what, stack)


def _wait_for_sessions(stack: Stack, plan: Plan, events: EventSet) -> float:
    """Wait until the sessions of the set are closed and the totals are right; how long it took."""
    started = time.monotonic()
    today = dt.datetime.now(dt.UTC).date()
    params = {
        "site_id": "bench",
        "include_bots": "true",
        "start": (today - dt.timedelta(days=1)).isoformat(),
        "end": (today + dt.timedelta(days=1)).isoformat(),
        "limit": "10000",
    }
    with stack.http() as client:

        def count_rows(path: str, column: str) -> int:
            answer = client.get(path, params=params)
            answer.raise_for_status()
            return sum(row[column] or 0 for row in answer.json()["data"])

        page_views = count_rows("/pages", "page_views")
        if page_views != events.page_views:
            raise RuntimeError(f"/pages counts {page_views:,} of {events.page_views:,} page views")
        wait_for(
            lambda: count_rows("/sessions", "sessions") == events.visitors,
            plan.session_gap_s + plan.allowed_lateness_s + plan.read_skew_s + 120,
            f"{events.visitors:,} sessions to be closed",
            stack,
            every_s=2,
        )
    return time.monotonic() - started
