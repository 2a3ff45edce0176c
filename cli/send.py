"""`web-analytics send`: a file, or standard input, into Kafka.

NDJSON goes line by line as it is; a combined access log as page views (`cli/access_log.py`). Ends
with a summary of what became of each line.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Annotated, BinaryIO

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from cli.access_log import Fate, Verdict, read_log
from cli.kafka_producer import KafkaProblem, Sender, Target, find_target, open_sender
from cli.options import DataDir, load_command_settings

_INTERRUPTED = 130
_INTERRUPTED_FLUSH_S = 5
_SHOW_EVERY = 200

Advance = Callable[[int], None]
Bootstrap = Annotated[
    str | None, typer.Option(help="Broker, host:port; default: that of `up`, else settings.")
]
TopicName = Annotated[str | None, typer.Option(help="Topic; default: the product's.")]


class Format(StrEnum):
    """How the file is to be read."""

    NDJSON = "ndjson"
    COMBINED = "combined"


@dataclass
class Summary:
    """What became of the lines; `sent` and `sent_raw` are acknowledged by the broker."""

    bootstrap: str
    topic: str
    lines: int = 0
    sent: int = 0
    sent_raw: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    failed: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    is_interrupted: bool = False
    duration_s: float = 0.0


def send(
    file: Annotated[str, typer.Argument(help="The file; - for standard input.")],
    file_format: Annotated[
        Format, typer.Option("--format", help="Events as NDJSON, or a combined access log.")
    ] = Format.NDJSON,
    rate: Annotated[
        float | None, typer.Option(min=0.001, help="Records per second; default: no limit.")
    ] = None,
    bootstrap: Bootstrap = None,
    topic: TopicName = None,
    host: Annotated[str, typer.Option(help="The site's host, for an access log.")] = "localhost",
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Send a file into Kafka: events as NDJSON, or an Apache/Nginx combined access log."""
    try:
        settings = load_command_settings(data_dir)
        with _open_lines(file) as (lines, size_bytes):
            target = find_target(settings, bootstrap, topic)
            sender = open_sender(target, settings)
            with _show_progress(size_bytes, is_quiet=as_json) as advance:
                counted = _count_bytes(lines, advance)
                if file_format is Format.COMBINED:
                    verdicts = read_log(counted, host)
                else:
                    verdicts = read_ndjson(counted)
                summary = send_verdicts(verdicts, sender, target, rate)
    except (KafkaProblem, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    _print_summary(summary, as_json)
    if summary.is_interrupted:
        raise typer.Exit(_INTERRUPTED)
    if summary.failed:
        raise typer.Exit(1)


def read_ndjson(lines: Iterable[bytes]) -> Iterator[Verdict]:
    """Each line's bytes as they are, valid or not; only blank lines are left out."""
    for line in lines:
        value = line.removesuffix(b"\n")
        yield Verdict(Fate.EVENT, value) if value.strip() else Verdict(Fate.BLANK)


def send_verdicts(
    verdicts: Iterable[Verdict], sender: Sender, target: Target, rate: float | None
) -> Summary:
    """Send what is to be sent, at most `rate` a second; Ctrl-C ends it early, nothing half-done."""
    summary = Summary(target.bootstrap_servers, target.topic)
    skipped: Counter[str] = Counter()
    started, handed = time.monotonic(), 0
    flush_s: dict[str, float] = {}
    try:
        for verdict in verdicts:
            summary.lines += 1
            if verdict.fate not in (Fate.EVENT, Fate.RAW):
                skipped[verdict.fate] += 1
                continue
            if rate:
                sender.wait_until(started + handed / rate)
            sender.send(verdict.value, verdict.key, verdict.fate)
            handed += 1
    except KeyboardInterrupt:
        summary.is_interrupted = True
        flush_s = {"timeout_s": _INTERRUPTED_FLUSH_S}
    except KafkaProblem:  # its reason stands in sender.failed, and so in the summary
        flush_s = {"timeout_s": _INTERRUPTED_FLUSH_S}
    sender.flush(**flush_s)
    summary.sent, summary.sent_raw = sender.delivered[Fate.EVENT], sender.delivered[Fate.RAW]
    summary.skipped = dict(skipped)
    summary.errors, summary.failed = dict(sender.failed), sender.failed.total()
    summary.duration_s = round(time.monotonic() - started, 3)
    return summary


@contextmanager
def _open_lines(file: str) -> Iterator[tuple[BinaryIO, int | None]]:
    """The file as bytes, and its size where it has one."""
    if file == "-":
        yield sys.stdin.buffer, None
        return
    with open(file, "rb") as lines:
        yield lines, os.fstat(lines.fileno()).st_size or None


def _count_bytes(lines: Iterable[bytes], advance: Advance) -> Iterator[bytes]:
    unseen_bytes = 0
    for number, line in enumerate(lines):
        unseen_bytes += len(line)
        if number % _SHOW_EVERY == 0:
            advance(unseen_bytes)
            unseen_bytes = 0
        yield line
    advance(unseen_bytes)


@contextmanager
def _show_progress(size_bytes: int | None, is_quiet: bool) -> Iterator[Advance]:
    console = Console(stderr=True)
    columns = (
        TextColumn("sending"),
        BarColumn(),
        TaskProgressColumn(show_speed=False),
        TimeRemainingColumn(),
    )
    is_shown = console.is_terminal and not is_quiet
    with Progress(*columns, console=console, transient=True, disable=not is_shown) as progress:
        task = progress.add_task("", total=size_bytes)
        yield lambda count: progress.advance(task, count)


def _print_summary(summary: Summary, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(asdict(summary)))
        return
    table = Table(
        "what", "lines", title=f"{summary.bootstrap} {summary.topic}", title_justify="left"
    )
    table.columns[1].justify = "right"
    rows = {"sent": summary.sent, "sent raw (does not parse)": summary.sent_raw}
    rows |= {f"skipped: {reason}": count for reason, count in sorted(summary.skipped.items())}
    rows |= {f"failed: {reason}": count for reason, count in summary.errors.items()}
    for name, count in rows.items():
        table.add_row(name, f"{count:,}")
    console = Console()
    console.print(table)
    ending = "Stopped after" if summary.is_interrupted or summary.failed else "Done:"
    console.print(f"{ending} {summary.lines:,} lines in {summary.duration_s:.1f} s.")
    if summary.failed:
        typer.echo(
            f"error: not taken by Kafka: {summary.failed:,}. Once the cause is gone, send the file "
            "again: events that arrived are recognised by their id.",
            err=True,
        )
