"""Freshness: how long after an event is sent can it be read through HTTP?

At a steady rate of ordinary events, a marker with a page of its own is sent every second; `/pages`
of the markers' site is polled, and a marker's time ends with the first answer that has its page.
"""

from __future__ import annotations

import datetime as dt
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from confluent_kafka import Producer

from bench.generate import make_event, stamp
from bench.numbers import summarize
from bench.plan import Plan
from bench.send import make_producer, send_steadily
from bench.stack import Stack

MARKER_SITE = "bench-markers"
_LAST_MARKER_TIMEOUT_S = 120


def measure_freshness(stack: Stack, plan: Plan, advance: Callable[[float], None]) -> dict[str, Any]:
    """Seconds from an event's sending to its visibility, at a steady rate; p50 and p95.

    `advance` is told the share done, 0 to 1.
    """
    stop = threading.Event()
    with ThreadPoolExecutor(max_workers=1) as pool, stack.http() as client:
        load = pool.submit(
            send_steadily,
            make_producer(stack.run["kafka"]),
            stack.run["topic"],
            plan.steady_rate,
            stop.is_set,
            plan.seed,
        )
        try:
            started = time.monotonic()
            waits = _watch_markers(stack, plan, client, advance)
            elapsed_s = time.monotonic() - started
        finally:
            stop.set()
        sent = load.result()
    return {
        "rate_per_s": round(sent / elapsed_s, 1),
        "visible_after_s": summarize(waits),
        "poll_every_s": plan.poll_every_s,
    }


def _watch_markers(
    stack: Stack, plan: Plan, client: httpx.Client, advance: Callable[[float], None]
) -> list[float]:
    """Send markers until time is up, poll until all are seen; their waits without the warm-up's."""
    producer = make_producer(stack.run["kafka"], linger_ms=5)
    total_s = plan.steady_warmup_s + plan.steady_s
    rng = random.Random(plan.seed + 1)
    run_id = f"{time.time_ns():x}"
    since = dt.datetime.now(dt.UTC).date().isoformat()
    outstanding: dict[str, float] = {}
    waits: list[float] = []
    started = time.monotonic()
    marked = 0
    while (now := time.monotonic() - started) < total_s or outstanding:
        if now < total_s and now >= marked * plan.marker_every_s:
            path = f"/marker/{run_id}/{marked}"
            outstanding[path] = send_marker(producer, stack.run["topic"], rng, path)
            marked += 1
        if now > total_s + _LAST_MARKER_TIMEOUT_S:
            raise RuntimeError(f"{len(outstanding)} markers never became visible: see {stack.log}")
        seen = read_pages(client, since)
        seen_at = time.time()
        for path in seen & outstanding.keys():
            wait = seen_at - outstanding.pop(path)
            if int(path.rpartition("/")[2]) * plan.marker_every_s >= plan.steady_warmup_s:
                waits.append(wait)
        advance(min(1.0, now / total_s))
        time.sleep(plan.poll_every_s)
    return waits


def send_marker(producer: Producer, topic: str, rng: random.Random, path: str) -> float:
    """Send one event with a page of its own; the Unix time of its sending."""
    sent_at = time.time()
    event = make_event(rng, f"marker{path}", MARKER_SITE, page_path=path)[:-1]
    producer.produce(topic, stamp(event, int(sent_at * 1000)))
    producer.poll(0)
    return sent_at


def read_pages(client: httpx.Client, since: str) -> set[str]:
    """The markers' pages that `/pages` has from `since` (a date or a time) on."""
    tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
    answer = client.get(
        "/pages",
        params={
            "site_id": MARKER_SITE,
            "start": since,
            "end": tomorrow.isoformat(),
            "limit": 10_000,
        },
    )
    answer.raise_for_status()
    return {row["page_path"] for row in answer.json()["data"]}
