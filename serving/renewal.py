"""Computes anew, in the background, what was answered from earlier versions; one at a time.

So while the line is long it costs one of the queries that may run at once, and what is asked most
is also what is most likely to be asked when the one before has ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from serving.errors import ServingError

log = structlog.get_logger()


class Renewal:
    """For one event loop."""

    def __init__(self) -> None:
        self._running: asyncio.Task[None] | None = None

    @property
    def is_free(self) -> bool:
        return self._running is None or self._running.done()

    def begin(self, computing: Coroutine[Any, Any, object]) -> None:
        """Compute this; only if it `is_free`."""
        self._running = asyncio.create_task(_finish(computing))

    def close(self) -> None:
        if self._running:
            self._running.cancel()


async def _finish(computing: Coroutine[Any, Any, object]) -> None:
    try:
        await computing
    except ServingError as error:  # nobody waits for it; who asks next is told
        log.info("not_renewed", error=error.message)
