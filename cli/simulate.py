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
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli.kafka_producer import KafkaProblem, Sender, find_target, open_sender
from cli.options import DataDir, load_command_settings
from cli.send import Bootstrap, TopicName
from traffic.faults import Faults, Record
from traffic.generate import Plan, generate, write_events
from traffic.truth import Truth

_EVENTS_PER_VISITOR = 10
_EVENTS_PER_DAY = 1000
_INTERRUPTED_FLUSH_S = 1.5
_SHOW_EVERY = 100


def _share(text: str) -> Any:
    return typer.Option(min=0, max=1, help=text)


def simulate(
    visitors: Annotated[
        int, typer.Option(min=1, help="People who come and go; more join if the rate needs them.")
    ] = 200,
    rate: Annotated[float, typer.Option(min=0.001, help="Events per second, live.")] = 20.0,
    bots: Annotated[float, _share("Share of visitors that are bots.")] = 0.05,
    late: Annotated[float, _share("Share of events that come hours or days late.")] = 0,
    duplicates: Annotated[float, _share("Share of events that are sent twice.")] = 0,
    invalid: Annotated[float, _share("Malformed records on top, per event.")] = 0,
    seed: Annotated[
        int | None, typer.Option(help="With --start: the same traffic again. Default: random.")
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="ISO-8601 time of the first live event. Default: now.")
    ] = None,
    days: Annotated[
        float, typer.Option(min=0, help="First, a history over that many past days (0.25 or more).")
    ] = 0,
    events: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Events to make: of the history with --days (default 1,000 per day), else live "
            "(default 10 per visitor).",
        ),
    ] = None,
    forever: Annotated[bool, typer.Option("--forever", help="Live traffic until stopped.")] = False,
    bootstrap: Bootstrap = None,
    topic: TopicName = None,
    out: Annotated[Path | None, typer.Option(help="Write NDJSON here, send nothing.")] = None,
    truth: Annotated[Path | None, typer.Option(help="Write the known truth here, JSON.")] = None,
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Realistic traffic with known truth: visits, campaigns, devices, and faults on demand."""
    if out and forever:
        raise typer.BadParameter("--out needs an end: name --events instead of --forever")
    history_events, live_events = _count_events(visitors, days, events, forever)
    plan = Plan(
        start_ms=_read_start(start),
        seed=time.time_ns() if seed is None else seed,
        visitors=visitors,
        rate=rate,
        history_days=days,
        history_events=history_events,
        live_events=live_events,
        faults=Faults(bots, late, duplicates, invalid),
    )
    counted = Truth(plan.seed, plan.start_ms, has_details=truth is not None)
    try:
        failures = _make_traffic(plan, counted, out, (bootstrap, topic, data_dir), is_quiet=as_json)
        if truth:
            truth.write_text(json.dumps(counted.report(), indent=2) + "\n", encoding="utf-8")
    except (KafkaProblem, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    _print_summary(counted.report(), failures, as_json)
    if failures:
        raise typer.Exit(1)


def send_records(records: Iterator[Record], sender: Sender, start_ms: int) -> Iterator[Record]:
    """Send each record when it is due, live ones at their time; pass it on once handed over."""
    started = time.monotonic()
    for record in records:
        sender.wait_until(started + (record.at_ms - start_ms) / 1000)
        key = None
        if isinstance(record.content, dict):
            key = str(record.content["anonymous_id"]).encode()
        sender.send(record.encode(), key)
        yield record


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
    counted: Truth,
    out: Path | None,
    destination: tuple[str | None, str | None, Path | None],
    is_quiet: bool,
) -> dict[str, int]:
    """Write or send everything; what Kafka did not take, by reason."""
    if out:
        _run(write_events(out, generate(plan)), counted, is_quiet)
        return {}
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
