"""Steady traffic, markers and looks at the stack, side by side while a scenario does its work.

`watch` starts all three and, at the end, stops them and waits until every marker was seen. It
keeps count of what was sent, so that the scenario can prove that all of it arrived.
"""

from __future__ import annotations

import datetime as dt
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bench.flows import count_done, read_settings
from bench.scenarios.markers import Mark, watch_markers
from bench.scenarios.samples import Samples, watch_stack
from bench.send import make_ordinary, make_producer, send_steadily
from bench.stack import Stack, read_status, wait_for

Say = Callable[[str], None]

_PAGE_VIEW = b'"event_type":"page_view"'
_TELL_EVERY_S = 15.0


@dataclass
class Watch:
    """What goes on, and what was seen of it."""

    say: Say
    page_views: int = 0  # of the steady traffic
    sent: int = 0  # its events, known when it has stopped
    marked: int = 0
    marks: list[Mark] = field(default_factory=list)
    samples: Samples = field(default_factory=Samples)
    workers: list[Future[Any]] = field(default_factory=list)

    def check(self) -> None:
        """Raise what has stopped one of the workers."""
        for worker in self.workers:
            if worker.done():
                worker.result()

    def wait(self, seconds: float, what: str) -> None:
        """Let it go on for so long, telling how it stands."""
        self.wait_for(lambda: False, seconds, what, is_limit=False)

    def wait_for(
        self,
        is_met: Callable[[], bool],
        limit_s: float,
        what: str,
        *,
        every_s: float = 1,
        is_limit: bool = True,
    ) -> None:
        """Wait for a condition. Raises RuntimeError after `limit_s`."""
        started, told = time.monotonic(), time.monotonic()
        while not is_met():
            self.check()
            now = time.monotonic()
            if now - started > limit_s:
                if is_limit:
                    raise RuntimeError(f"waited {limit_s:.0f} s in vain for {what}")
                return
            if now - told >= _TELL_EVERY_S and self.samples.looks:
                told, look = now, self.samples.looks[-1]
                self.say(
                    f"  {what}, {now - started:.0f} s: {sum(look.behind.values()):,} rows behind, "
                    f"JVM {look.jvm_mb:,.0f} MB"
                )
            time.sleep(min(every_s, max(0.05, limit_s)))

    def waits(self, start: float, end: float) -> list[float]:
        """Waits of the markers that were sent in that time."""
        return [wait_s for sent_at, wait_s in self.marks if start <= sent_at < end]


@contextmanager
def watch(stack: Stack, rate: int, seed: int, say: Say) -> Iterator[Watch]:
    """Send `rate` events/s and a marker a second for as long as the block lasts."""
    stop, are_seen, is_failed = (threading.Event() for _ in range(3))
    watched = Watch(say)

    def make(rng: random.Random, number: int, per_s: int) -> bytes:
        event = make_ordinary(rng, number, per_s)
        watched.page_views += _PAGE_VIEW in event
        return event

    producer, topic = make_producer(stack.run["kafka"]), stack.run["topic"]
    with ThreadPoolExecutor(max_workers=3) as pool:
        load = pool.submit(send_steadily, producer, topic, rate, stop.is_set, seed, make)
        markers = pool.submit(watch_markers, stack, stop.is_set, is_failed.is_set, watched.marks)
        looks = pool.submit(watch_stack, stack, are_seen.is_set, watched.samples)
        watched.workers = [load, markers, looks]
        try:
            yield watched
        except BaseException:
            is_failed.set()
            raise
        finally:
            stop.set()
            wait([load, markers])  # the looks go on until the last marker has been seen
            are_seen.set()
        watched.sent, watched.marked = load.result(), markers.result()
        looks.result()


def drain(stack: Stack, records: int, limit_s: float) -> None:
    """Wait until Kafka has so many records and no flow is behind."""
    settings = read_settings(stack.data_dir, stack.run["kafka"])
    what = f"{records:,} records to be in Gold"
    wait_for(lambda: count_done(settings, records)[0], limit_s, what, stack)


def count_page_views(stack: Stack, site_id: str) -> int:
    """All page views that `/pages` has of a site, bots included."""
    today = dt.datetime.now(dt.UTC).date()
    params = {
        "site_id": site_id,
        "include_bots": "true",
        "start": (today - dt.timedelta(days=1)).isoformat(),
        "end": (today + dt.timedelta(days=1)).isoformat(),
        "limit": "10000",
    }
    with stack.http() as client:
        answer = client.get("/pages", params=params)
    answer.raise_for_status()
    return sum(row["page_views"] or 0 for row in answer.json()["data"])


def prove(stack: Stack, records: int, page_views: dict[str, int], fabricated: int = 0) -> str:
    """Raise RuntimeError unless everything sent is there, once; else say so for the table.

    records: sent to Kafka in all; page_views: by site; fabricated: rows of `silver.events` that
    never were in Kafka.
    """
    drain(stack, records, 600)
    for site_id, expected in page_views.items():
        found = count_page_views(stack, site_id)
        if found != expected:
            raise RuntimeError(f"/pages counts {found:,} of {expected:,} page views of {site_id}")
    ledger = read_status(stack)["ledger"]
    outcomes = sum(ledger[name] for name in ("silver", "dead_letters", "duplicates", "erased"))
    if ledger["records"] != records or outcomes - fabricated != records:
        raise RuntimeError(f"{records:,} records were sent, and the ledger has {ledger}")
    return f"ledger balanced over {records:,} records, `/pages` exact"
