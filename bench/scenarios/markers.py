"""Freshness over a run of any length: a marker a second, each with the time it was sent.

As in `bench/freshness.py`: a marker is an event with a page of its own, and its wait ends with the
first answer of `/pages` that has it.
"""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Callable

from bench.freshness import read_pages, send_marker
from bench.send import make_producer
from bench.stack import Stack

Mark = tuple[float, float]  # sent at (Unix time), wait in seconds

_EVERY_S, _POLL_S = 1.0, 0.5


def watch_markers(
    stack: Stack,
    should_stop: Callable[[], bool],
    should_give_up: Callable[[], bool],
    marks: list[Mark],
    limit_s: float = 300,
) -> int:
    """Send markers until told to stop, poll until all are seen; how many were sent.

    marks: filled as markers are seen. To give up is not to wait for them. Raises
    RuntimeError for one not seen `limit_s` after the end.
    """
    producer = make_producer(stack.run["kafka"], linger_ms=5)
    run_id = f"{time.time_ns():x}"
    rng = random.Random(run_id)
    outstanding: dict[str, float] = {}
    started, count, stopped_at = time.monotonic(), 0, 0.0
    with stack.http() as client:
        while True:
            if not should_stop():
                if time.monotonic() - started >= count * _EVERY_S:
                    path = f"/marker/{run_id}/{count}"
                    outstanding[path] = send_marker(producer, stack.run["topic"], rng, path)
                    count += 1
            elif not outstanding or should_give_up():
                return count
            else:
                stopped_at = stopped_at or time.monotonic()
                if time.monotonic() - stopped_at > limit_s:
                    raise RuntimeError(
                        f"{len(outstanding)} markers never became visible: see {stack.log}"
                    )
            if outstanding:
                seen = read_pages(client, _full_hour(min(outstanding.values())))
                seen_at = time.time()
                for path in seen & outstanding.keys():
                    sent_at = outstanding.pop(path)
                    marks.append((sent_at, seen_at - sent_at))
            time.sleep(_POLL_S)


def _full_hour(at: float) -> str:
    # The answer stays small however long the run is.
    return dt.datetime.fromtimestamp(at // 3600 * 3600, dt.UTC).isoformat()
