"""Computes anew, in the background, what was answered from earlier versions; a few at a time.

What was asked most since it was last computed comes first, so that answers are as fresh as they are
asked for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import structlog

from serving.errors import ServingError

log = structlog.get_logger()

Compute = Callable[[], Coroutine[Any, Any, object]]


@dataclass(frozen=True)
class _Wanted:
    """The newest way to compute a question's answer, and how often that was wanted."""

    compute: Compute
    times: int
    at: float = field(default_factory=time.monotonic)


class Renewal:
    """For one event loop.

    at_once: computations; within_s: what nobody has wanted for so long is not computed.
    """

    def __init__(self, at_once: int, within_s: float) -> None:
        self._at_once, self._within_s = at_once, within_s
        self._wanted: dict[str, _Wanted] = {}
        self._running: set[asyncio.Task[None]] = set()

    @property
    def is_idle(self) -> bool:
        return all(task.done() for task in self._running)

    def want(self, question: str, compute: Compute) -> None:
        """Compute this in its turn; `compute` takes the place of the question's older one."""
        before = self._wanted.get(question)
        self._wanted[question] = _Wanted(compute, before.times + 1 if before else 1)
        self._running = {task for task in self._running if not task.done()}
        if len(self._running) < self._at_once:
            self._running.add(asyncio.create_task(self._run()))

    def close(self) -> None:
        for task in self._running:
            task.cancel()

    async def _run(self) -> None:
        while compute := self._take_next():
            try:
                await compute()
            except ServingError as error:  # nobody waits for it; who asks next is told
                log.info("not_renewed", error=error.message)
            except Exception:  # a fault of ours, which must not end the renewals
                log.exception("renewal_failed")

    def _take_next(self) -> Compute | None:
        since = time.monotonic() - self._within_s
        self._wanted = {name: one for name, one in self._wanted.items() if one.at > since}
        if not self._wanted:
            return None
        question = max(self._wanted, key=lambda name: self._wanted[name].times)
        return self._wanted.pop(question).compute
