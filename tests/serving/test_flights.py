"""Computations that several wait for, and what becomes of them when clients go away."""

from __future__ import annotations

import asyncio

import pytest

from serving.errors import ClientGone
from serving.flights import Flights, stay
from serving.queries import Statement
from serving.query_pool import QueryPool
from settings.model import ServingSettings
from tests.serving.fakes import FakeReader


class Work:
    """A computation that waits to be allowed to end."""

    def __init__(self) -> None:
        self.started = 0
        self.was_cancelled = False
        self.may_end = asyncio.Event()

    async def compute(self) -> str:
        self.started += 1
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        return "answer"


async def leave() -> bool:
    return True


def test_whoever_goes_takes_the_answer_from_nobody_else() -> None:
    async def run() -> None:
        work, flights = Work(), Flights[str, str]()
        staying = asyncio.create_task(flights.join("key", work.compute, stay))
        with pytest.raises(ClientGone):
            await flights.join("key", work.compute, leave)
        work.may_end.set()
        assert await staying == "answer"
        assert work.started == 1
        assert not work.was_cancelled

    asyncio.run(run())


def test_the_last_to_go_ends_the_computation_and_the_next_starts_anew() -> None:
    async def run() -> None:
        work, flights = Work(), Flights[str, str]()
        with pytest.raises(ClientGone):
            await flights.join("key", work.compute, leave)
        await asyncio.sleep(0)  # the cancelled computation has its turn
        assert work.was_cancelled
        work.may_end.set()
        assert await flights.join("key", work.compute, stay) == "answer"
        assert work.started == 2

    asyncio.run(run())


def test_what_a_computation_raises_reaches_all_who_wait() -> None:
    async def fail() -> str:
        raise OSError("no disk")

    async def run() -> None:
        flights = Flights[str, str]()
        both = [flights.join("key", fail, stay) for _ in range(2)]
        found = await asyncio.gather(*both, return_exceptions=True)
        assert [str(error) for error in found] == ["no disk", "no disk"]

    asyncio.run(run())


def test_a_query_that_nobody_waits_for_is_cancelled_in_spark() -> None:
    async def run() -> None:
        reader = FakeReader()
        reader.may_answer.clear()
        pool = QueryPool(reader, ServingSettings(max_concurrent_queries=1))  # type: ignore[arg-type]  # as much of a reader as a pool needs
        running = asyncio.create_task(pool.run(Statement("SELECT 1", {}, (), ("one",)), {}))
        assert await asyncio.to_thread(reader.asked.acquire, timeout=30)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert len(reader.cancelled) == 1
        pool.close()

    asyncio.run(run())
