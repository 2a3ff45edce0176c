"""Runs statements in a bounded number of threads, each within a time limit.

From the event loop to `GoldReader.run` and back: at most `max_concurrent_queries` at once, a
bounded queue behind them, and a query that takes too long is cancelled in Spark.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import structlog

from serving.errors import Busy, QueryTimeout
from serving.gold_reader import GoldReader, States
from serving.queries import Statement
from settings.model import ServingSettings

log = structlog.get_logger()

Rows = list[tuple[Any, ...]]


class QueryPool:
    """A few threads that may ask Spark."""

    def __init__(self, reader: GoldReader, settings: ServingSettings) -> None:
        self._reader = reader
        self._timeout_s = settings.query_timeout_s
        most = settings.max_concurrent_queries + settings.max_queued_queries
        self._places = threading.BoundedSemaphore(most)
        self._unfinished, self._at_once = 0, settings.max_concurrent_queries
        self._threads = ThreadPoolExecutor(settings.max_concurrent_queries, "query")
        # For what nobody waits for: see `run_beside`.
        self.beside_at_once = max(1, settings.max_concurrent_queries // 2)
        self._beside = ThreadPoolExecutor(self.beside_at_once, "beside")

    async def run(self, statement: Statement, states: States) -> Rows:
        """The statement's rows. Raises Busy, QueryTimeout, QueryFailed."""
        if not self._places.acquire(blocking=False):
            raise Busy("As many queries are running and waiting as may; try again.")
        self._unfinished += 1
        try:
            return await self._run(self._threads, statement, states, self._places.release)
        finally:
            self._unfinished -= 1

    async def run_beside(self, statement: Statement, states: States) -> Rows:
        """The statement's rows, past the line; `beside_at_once` at a time. Raises as `run` does."""
        return await self._run(self._beside, statement, states)

    @property
    def is_crowded(self) -> bool:
        """Whether twice as many queries wait as may run at once."""
        return self._unfinished >= 3 * self._at_once

    async def _run(
        self,
        threads: ThreadPoolExecutor,
        statement: Statement,
        states: States,
        when_ended: Callable[[], None] = lambda: None,
    ) -> Rows:
        job_group = f"query-{uuid.uuid4()}"
        running = threads.submit(self._reader.run, statement, states, job_group)
        running.add_done_callback(lambda _: when_ended())
        # Shielded: a thread cannot be stopped from outside, its Spark jobs can.
        future = asyncio.wrap_future(running)
        try:
            return await asyncio.wait_for(asyncio.shield(future), self._timeout_s)
        except TimeoutError:
            await self._stop(running, future, job_group)
            raise QueryTimeout(
                f"The query took longer than {self._timeout_s:g} s (serving.query_timeout_s); "
                "ask for a shorter range or add a filter."
            ) from None
        except asyncio.CancelledError:  # nobody waits for it any more
            await self._stop(running, future, job_group)
            raise

    async def _stop(
        self, running: Future[Rows], future: asyncio.Future[Rows], job_group: str
    ) -> None:
        if not running.cancel():
            future.add_done_callback(_log_late_end)
            await asyncio.to_thread(self._reader.cancel, job_group)

    def close(self) -> None:
        for threads in (self._threads, self._beside):
            threads.shutdown(wait=False, cancel_futures=True)


def _log_late_end(future: asyncio.Future[Rows]) -> None:
    """A cancelled query ends with an error that nobody waits for any more."""
    ended = "cancelled" if future.cancelled() or future.exception() else "finished"
    log.info("query_ended_after_it_was_stopped", ended=ended)
