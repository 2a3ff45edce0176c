"""What is computed anew in the background, and in which order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from serving.errors import QueryFailed
from serving.renewal import Renewal

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Work:
    """Computations that end when told to."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.may_end = asyncio.Event()
        self.error: Exception | None = None

    def make(self, name: str) -> Callable[[], Coroutine[Any, Any, None]]:
        async def compute() -> None:
            self.begun.append(name)
            await self.may_end.wait()
            if self.error:
                raise self.error

        return compute


async def end(renewal: Renewal) -> None:
    async with asyncio.timeout(30):
        while not renewal.is_idle:
            await asyncio.sleep(0)


async def test_one_at_a_time_and_first_what_is_asked_most() -> None:
    work, renewal = Work(), Renewal(1, within_s=600)
    renewal.want("a", work.make("a"))
    await asyncio.sleep(0)
    for name in ("b", "c", "d", "c"):
        renewal.want(name, work.make(name))
    assert work.begun == ["a"]
    work.may_end.set()
    await end(renewal)
    assert work.begun == ["a", "c", "b", "d"]


async def test_no_more_at_once_than_may() -> None:
    work, renewal = Work(), Renewal(2, within_s=600)
    for name in ("a", "b", "c"):
        renewal.want(name, work.make(name))
    await asyncio.sleep(0)
    assert work.begun == ["a", "b"]
    work.may_end.set()
    await end(renewal)
    assert work.begun == ["a", "b", "c"]


async def test_the_newest_way_to_compute_it_is_taken() -> None:
    work, renewal = Work(), Renewal(1, within_s=600)
    for version in ("20", "21", "22"):
        renewal.want("a", work.make(version))
    work.may_end.set()
    await end(renewal)
    assert work.begun == ["22"]


async def test_what_nobody_has_wanted_for_long_is_not_computed() -> None:
    work, renewal = Work(), Renewal(1, within_s=0)
    renewal.want("a", work.make("a"))
    await end(renewal)
    assert not work.begun


@pytest.mark.parametrize("error", [QueryFailed("no"), RuntimeError("a fault of ours")])
async def test_a_failure_does_not_end_the_renewals(error: Exception) -> None:
    work, renewal = Work(), Renewal(1, within_s=600)
    work.error = error
    work.may_end.set()
    renewal.want("a", work.make("a"))
    await end(renewal)
    work.error = None
    renewal.want("b", work.make("b"))
    await end(renewal)
    assert work.begun == ["a", "b"]


async def test_what_is_wanted_as_the_last_one_ends_is_computed() -> None:
    work, renewal = Work(), Renewal(1, within_s=600)
    work.may_end.set()

    async def end_and_want() -> None:
        asyncio.get_running_loop().call_soon(renewal.want, "b", work.make("b"))

    renewal.want("a", end_and_want)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await end(renewal)
    assert work.begun == ["b"]


async def test_closing_ends_what_is_under_way() -> None:
    work, renewal = Work(), Renewal(1, within_s=600)
    renewal.want("a", work.make("a"))
    renewal.want("b", work.make("b"))
    await asyncio.sleep(0)
    renewal.close()
    await end(renewal)
    assert work.begun == ["a"]
