"""One computation for all who ask the same in this process; it ends when nobody waits any more.

From a key and the means to compute its answer to that answer. A client that has gone is noticed
here, for uvicorn lets the handler of a closed connection go on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from serving.errors import ClientGone

IsGone = Callable[[], Awaitable[bool]]
_Key = TypeVar("_Key")
_Answer = TypeVar("_Answer")
_POLL_S = 0.5


async def stay() -> bool:
    """Of an asker that has no connection."""
    return False


async def wait_while_connected(task: asyncio.Task[_Answer], is_gone: IsGone) -> _Answer:
    """The task's result. Raises ClientGone; the task is not cancelled."""
    while not task.done():
        await asyncio.wait({task}, timeout=_POLL_S)
        if not task.done() and await is_gone():
            raise ClientGone("the client closed the connection before its answer was there.")
    return task.result()


@dataclass
class _Flight(Generic[_Answer]):
    task: asyncio.Task[_Answer]
    waiting: int = 0
    began: float = field(default_factory=time.monotonic)


@dataclass
class Flights(Generic[_Key, _Answer]):
    """The computations under way, by what they answer. For one event loop."""

    _flights: dict[_Key, _Flight[_Answer]] = field(default_factory=dict)

    def find(self, is_wanted: Callable[[_Key], bool], within_s: float) -> _Key | None:
        """What is under way for less than so many seconds, if there is one that is wanted."""
        since = time.monotonic() - within_s
        found = (key for key, flight in self._flights.items() if flight.began > since)
        return next(filter(is_wanted, found), None)

    async def join(
        self, key: _Key, compute: Callable[[], Coroutine[Any, Any, _Answer]], is_gone: IsGone
    ) -> _Answer:
        """Join the computation of this key that is under way, or start it.

        The last one to leave it cancels it. Raises ClientGone, and what `compute` raises.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.create_task(compute()))
        flight.waiting += 1
        try:
            return await wait_while_connected(flight.task, is_gone)
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                flight.task.cancel()  # without effect on one that has ended
                del self._flights[key]
