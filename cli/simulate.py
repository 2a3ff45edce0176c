"""`web-analytics simulate`: made-up traffic with known truth, into Kafka or a file.

A history over past days goes out as fast as possible, live traffic at its rate. Ends with a
summary; the truth, every number the product must come to, goes into a file of its own.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli.kafka_producer import KafkaProblem, Sender, find_target, open_sender
from cli.options import DataDir, load_command_settings
from cli.send import Bootstrap, TopicName
from cli.simulate_options import (
    AllFaults,
    Bots,
    Days,
    Duplicates,
    Events,
    Invalid,
    Late,
    NoConsent,
    Out,
    Pii,
    Rate,
    Seed,
    Sites,
    Start,
    TruthFile,
    Visitors,
    WrongClocks,
)
from traffic.faults import ALL_FAULTS, Faults, Record
from traffic.generate import Plan, generate, write_events
from traffic.truth import Truth

_EVENTS_PER_VISITOR = 10
_EVENTS_PER_DAY = 1000
_USUAL_BOTS = 0.05
_INTERRUPTED_FLUSH_S = 1.5
_SHOW_EVERY = 100


def simulate(
    visitors: Visitors = 200,
    rate: Rate = 20.0,
    sites: Sites = 1,
    bots: Bots = None,
    late: Late = None,
    duplicates: Duplicates = None,
    invalid: Invalid = None,
    pii: Pii = None,
    no_consent: NoConsent = None,
    wrong_clocks: WrongClocks = None,
    all_faults: AllFaults = False,
    seed: Seed = None,
    start: Start = None,
    days: Days = 0,
    events: Events = None,
    forever: Annotated[bool, typer.Option("--forever", help="Live traffic until stopped.")] = False,
    bootstrap: Bootstrap = None,
    topic: TopicName = None,
    out: Out = None,
    truth: TruthFile = None,
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Realistic traffic with known truth: visits, campaigns, devices, and faults on demand.

    \b
    Live, 50 events a second until Ctrl-C:
      web-analytics simulate --visitors 500 --rate 50 --forever
    A week of three sites with every kind of fault, and what must come out of it:
      web-analytics simulate --days 7 --events 100000 --visitors 5000 --sites 3 \\
        --all-faults --truth truth.json
    The same into a file, to send it whenever and as often as wanted (docs/simulate.md):
      web-analytics simulate ... --seed 1 --start 2026-03-01T00:00Z --out events.ndjson
      web-analytics send events.ndjson --format ndjson
    """
    if out and forever:
        raise typer.BadParameter("--out needs an end: name --events instead of --forever")
    history_events, live_events = _count_events(visitors, days, events, forever)
    shares = (bots, late, duplicates, invalid, pii, no_consent, wrong_clocks)
    plan = Plan(
        start_ms=_read_start(start),
        seed=time.time_ns() if seed is None else seed,
        visitors=visitors,
        rate=rate,
        history_days=days,
        history_events=history_events,
        live_events=live_events,
        faults=_choose_faults(all_faults, shares),
        sites=sites,
    )
    destination = (bootstrap, topic, data_dir)
    try:
        report, failures = _make_traffic(plan, out, truth, destination, is_quiet=as_json)
    except (KafkaProblem, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    _print_summary(report, failures, as_json)
    if failures:
        raise typer.Exit(1)


def send_records(records: Iterator[Record], sender: Sender, start_ms: int) -> Iterator[Record]:
    """Send each record when it is due, live ones at their time; pass it on once handed over."""
    started = time.monotonic()
    for record in records:
        sender.wait_until(started + (record.at_ms - start_ms) / 1000)
        sender.send(record.encode(), record.key())  # None: a tombstone
        yield record


def _choose_faults(has_all: bool, named: tuple[float | None, ...]) -> Faults:
    """The shares that were named, in the order of `Faults`; of the others the usual, or some."""
    usual = astuple(ALL_FAULTS if has_all else Faults(bots=_USUAL_BOTS))
    shares = zip(named, usual, strict=True)
    return Faults(*(other if share is None else share for share, other in shares))


def _count_events(
    visitors: int, days: float, events: int | None, is_endless: bool
) -> tuple[int, int | None]:
    """Events of the history, and live ones (None: without end)."""
    if 0 < days < 0.25:
        raise typer.BadParameter(f"--days {days:g}: a history takes at least a quarter of a day")
    if days:
        return events or round(days * _EVENTS_PER_DAY), None if is_endless else 0
    return 0, None if is_endless else events or visitors * _EVENTS_PER_VISITOR


def _make_traffic(
    plan: Plan,
    out: Path | None,
    truth: Path | None,
    destination: tuple[str | None, str | None, Path | None],
    is_quiet: bool,
) -> tuple[dict[str, Any], dict[str, int]]:
    """Write or send everything; what is known of it, and what Kafka did not take, by reason."""
    counted = Truth(plan.seed, plan.start_ms, has_details=truth is not None)
    failures: dict[str, int] = {}
    if out:
        _run(write_events(out, generate(plan)), counted, is_quiet)
    else:
        failures = _send(plan, counted, destination, is_quiet)
    report = counted.report()
    if truth:
        truth.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return report, failures


def _send(
    plan: Plan,
    counted: Truth,
    destination: tuple[str | None, str | None, Path | None],
    is_quiet: bool,
) -> dict[str, int]:
    bootstrap, topic, data_dir = destination
    settings = load_command_settings(data_dir)
    sender = open_sender(find_target(settings, bootstrap, topic), settings)
    try:
        is_stopped = _run(send_records(generate(plan), sender, plan.start_ms), counted, is_quiet)
    except KafkaProblem:  # its reason stands in sender.failed
        is_stopped = True
    sender.flush(**({"timeout_s": _INTERRUPTED_FLUSH_S} if is_stopped else {}))
    return dict(sender.failed)


def _run(records: Iterator[Record], counted: Truth, is_quiet: bool) -> bool:
    """Draw all records through, until the end or SIGINT or SIGTERM; whether it was stopped."""
    with _stop_on_sigterm(), _show_progress(is_quiet) as advance:
        try:
            for number, record in enumerate(records, 1):
                counted.count(record)
                if number % _SHOW_EVERY == 0:
                    advance(_SHOW_EVERY)
        except KeyboardInterrupt:
            return True
    return False


@contextmanager
def _stop_on_sigterm() -> Iterator[None]:
    """SIGTERM as Ctrl-C."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _show_progress(is_quiet: bool) -> Iterator[Any]:
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("records"), MofNCompleteColumn(), TimeElapsedColumn())
    is_shown = console.is_terminal and not is_quiet
    with Progress(*columns, console=console, transient=True, disable=not is_shown) as progress:
        task = progress.add_task("", total=None)
        yield lambda count: progress.advance(task, count)


def _read_start(text: str | None) -> int:
    if text is None:
        return time.time_ns() // 1_000_000
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"--start {text!r} is no ISO-8601 time") from error
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def _print_summary(report: dict[str, Any], failures: dict[str, int], as_json: bool) -> None:
    names = ("seed", "start", "records", "events", "duplicates", "late", "invalid", "page_views")
    summary: dict[str, Any] = {name: report[name] for name in names}
    summary |= {"failed": sum(failures.values()), "errors": failures}
    if as_json:
        typer.echo(json.dumps(summary))
        return
    typer.echo(
        "{records:,} records: {events:,} events ({late:,} late), {duplicates:,} duplicates, "
        "{invalid:,} invalid; {page_views:,} page views. Seed {seed}, start {start}.".format(
            **summary
        )
    )
    for reason, count in failures.items():
        typer.echo(f"error: not taken by Kafka: {count:,} records, {reason}", err=True)
