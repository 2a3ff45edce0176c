"""`one-visitor`: one visitor sends as many events as a whole site, among ordinary traffic.

The same amount twice, in lakes of their own: spread over many visitors, then from one. Then that
visitor's dated events of four days without a pause, whose sessions must be cut as docs/adr/0003
says.
"""

from __future__ import annotations

import json
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlparse

from deltalake import DeltaTable

from bench.generate import TIME_SLICE, make_event
from bench.plan import Plan
from bench.scenarios.outcome import Outcome, Target, show_waits
from bench.scenarios.sessions_rule import DAY_S, Session, expect_sessions
from bench.scenarios.watch import Say, Watch, count_page_views, drain, prove, watch
from bench.send import make_producer, send_all
from bench.stack import Stack, run_stack, wait_for

_SITE, _VISITOR = "one-visitor", "the-one"
_EVENTS_PER_VISITOR = 6
_PAGE_VIEW = b'"event_type":"page_view"'
_DAYS, _STEP_S = 4, 20
_RATIO = 2.0


def run(folder: Path, events: int, rate: int, warmup_s: int, say: Say) -> Outcome:
    """events: of the one visitor; rate: of everybody else, per second."""
    figures: dict[str, str] = {}
    lags: dict[str, float] = {}
    for name, visitors in (
        ("many visitors", max(2, events // _EVENTS_PER_VISITOR)),
        ("one visitor", 1),
    ):
        shutil.rmtree(folder / "stack", ignore_errors=True)
        say(f"{events:,} events of {name}")
        with run_stack(folder, Plan()) as stack:
            amounts = _measure(stack, events, visitors, rate, warmup_s, say)
            watched, page_views, began_at, visible_at, drained_at = amounts
            lags[name] = visible_at - began_at
            figures |= {
                f"{events:,} events of {name}, all counted": f"{visible_at - began_at:.0f} s, and "
                f"through every flow after {drained_at - began_at:.0f} s",
                f"sent to visible meanwhile, {name}": show_waits(
                    watched.waits(began_at, visible_at)
                ),
                f"JVM resident, at most, {name}": f"{watched.samples.jvm_peak_mb:,.0f} MB",
                f"nothing lost, {name}": prove(
                    stack,
                    events + watched.sent + watched.marked,
                    {_SITE: page_views, "bench": watched.page_views},
                ),
            }
            if visitors == 1:
                say("four days of the visitor without a pause")
                records = events + watched.sent + watched.marked
                figures["sessions of four days without a pause"] = _check_cut(stack, records)
    ratio = lags["one visitor"] / lags["many visitors"]
    return Outcome(
        figures, [Target("lag, one visitor / many", ratio, _RATIO, "")], {"lags_s": lags}
    )


def _measure(
    stack: Stack, events: int, visitors: int, rate: int, warmup_s: int, say: Say
) -> tuple[Watch, int, float, float, float]:
    """The watch, the page views sent, and when the events were begun, visible and worked off."""
    page_views = 0

    def make() -> Iterator[bytes]:
        nonlocal page_views
        rng = random.Random(events)
        for _ in range(events):
            visitor = _VISITOR if visitors == 1 else f"{_VISITOR}-{rng.randrange(visitors)}"
            event = make_event(rng, visitor, _SITE)[:-1]
            page_views += _PAGE_VIEW in event
            yield event

    with watch(stack, rate, events + 1, say) as watched:
        watched.wait(warmup_s, "warming up")
        began_at = time.time()
        send_all(make_producer(stack.run["kafka"]), stack.run["topic"], make())
        limit_s = max(900, events / 250)
        watched.wait_for(
            lambda: count_page_views(stack, _SITE) >= page_views, limit_s, "all counted", every_s=4
        )
        visible_at = time.time()
    drain(stack, events + watched.sent + watched.marked, limit_s)
    return watched, page_views, began_at, visible_at, time.time()


def list_times(now_s: int, days: int, step_s: int) -> list[int]:
    """A visit without a pause that ended yesterday: from 22:00 on a day, so that its first piece
    and the next day do not fit into 24 h, to 02:00 of the last day."""
    today = now_s // DAY_S * DAY_S
    return list(range(today - days * DAY_S - 7200, today - DAY_S + 7200, step_s))


def _check_cut(stack: Stack, records: int) -> str:
    """Send the dated visit and compare its sessions; how they were cut. Raises RuntimeError."""
    plan = Plan()
    times = list_times(int(time.time()), _DAYS, _STEP_S)
    expected = expect_sessions(times, plan.session_gap_s)
    producer, topic = make_producer(stack.run["kafka"]), stack.run["topic"]
    rng = random.Random("dated")
    for moment in times:
        event = make_event(rng, f"{_VISITOR}-dated", _SITE)[:-1]
        dated = b"%b%d%b" % (event[: TIME_SLICE.start], moment * 1000, event[TIME_SLICE.stop :])
        producer.produce(topic, dated)
        producer.poll(0)
    producer.flush(60)
    drain(stack, records + len(times), 900)
    found: list[Session] = []

    def is_cut() -> bool:
        nonlocal found
        found = _read_sessions(stack, f"{_VISITOR}-dated")
        return found == expected

    try:
        wait_for(is_cut, 300, "the sessions of the dated visit", stack, every_s=3)
    except RuntimeError as error:
        raise RuntimeError(f"{error}; expected {expected}, found {json.dumps(found)}") from error
    return (
        f"{len(expected)} sessions of {len(times):,} events, cut at midnights as docs/adr/0003 says"
    )


def _read_sessions(stack: Stack, visitor: str) -> list[Session]:
    folder = Path(unquote(urlparse(stack.run["lake"]).path)) / "silver" / "sessions"
    table = DeltaTable(folder).to_pyarrow_table(
        columns=["session_start", "session_end", "event_count"],
        filters=[("visitor_id", "=", visitor), ("site_id", "=", _SITE)],
    )
    return sorted(
        (
            int(row["session_start"].timestamp()),
            int(row["session_end"].timestamp()),
            row["event_count"],
        )
        for row in table.to_pylist()
    )
