"""A number's explanation as plain data, and as tables for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from serving.freshness import format_time
from serving.lineage.explain import Explanation
from serving.lineage.number import Number

_SHOWN_COMMITS = 10


def describe(number: Number, found: Explanation, unread: int, note: str) -> dict[str, Any]:
    """The explanation as JSON values."""
    selection = number.selection
    compared = found.compared
    answer = {
        "path": number.endpoint.path,
        "metric": number.metric.name,
        "help": number.metric.help,
        "start": selection.start,
        "end": selection.end,
        "filters": selection.filters,
        "include_bots": selection.include_bots,
        "gold": compared.gold,
        "silver": compared.silver,
        "allowed": [compared.low, compared.high],
        "equal": compared.is_equal,
        "versions": found.versions,
        "gold_has_not_read": unread,
        "note": note or None,
        "table": number.table.name,
        "source": number.table.source,
        "events": sum(place["events"] for place in found.places),
        "sessions": found.session_count,
        "kafka": _by_partition(found.places),
        "rules_versions": dict(_by_rules(found.places)),
        "partials": [
            {**row, "commit": asdict(commit) if commit else None} for row, commit in found.partials
        ],
        "first_sessions": found.sessions,
        "first_events": found.events,
    }
    plain: dict[str, Any] = _plain(answer)
    return plain


def show(number: Number, found: Explanation, unread: int, note: str) -> None:
    """Print the explanation for people."""
    console = Console(highlight=False)
    selection, compared = number.selection, found.compared
    filters = [f"{name} {value}" for name, value in selection.filters.items()]
    with_bots = "with bots" if selection.include_bots else "without bots"
    about = ", ".join([f"{number.endpoint.path} {number.metric.name}", *filters, with_bots])
    console.print(f"[bold]{escape(about)}[/]")
    console.print(f"{format_time(selection.start)} to {format_time(selection.end)} (excluded)\n")
    versions = ", ".join(f"{name} version {version}" for name, version in found.versions.items())
    numbers = Table("", Column("number", justify="right"), "how")
    edges = " and, for parts of hours, Silver" if found.has_edges else ""
    numbers.add_row("Gold", _number(compared.gold), f"partials of {number.table.name}{edges}")
    numbers.add_row("Silver", _number(compared.silver), f"counted anew in {number.table.source}")
    console.print(numbers)
    console.print(_verdict(found))
    console.print(f"[dim]{versions}[/]")
    if unread:
        console.print(f"Gold has still to read {unread:,} rows of {number.table.source}.")
    if note:
        console.print(f"[yellow]{escape(note)}[/]")
    console.print()
    _show_events(console, found)
    _show_partials(console, number, found)
    _show_rows(console, "first sessions", found.sessions)
    _show_rows(console, "first events", found.events)


def _verdict(found: Explanation) -> str:
    compared = found.compared
    if not compared.is_equal:
        return (
            "[bold red]THEY DIFFER.[/] [red]Prove the whole lake with `web-analytics status "
            "--verify`; `web-analytics rebuild` makes the days concerned again.[/]"
        )
    if compared.low == compared.high or compared.gold == compared.silver:
        return "[green]the same[/]"
    bounds = f"{_number(compared.low)} to {_number(compared.high)}"
    return f"[green]the same, as far as a sketch can tell ({bounds})[/]"


def _show_events(console: Console, found: Explanation) -> None:
    count = sum(place["events"] for place in found.places)
    sessions = "" if found.session_count is None else f"{found.session_count:,} sessions with "
    console.print(f"made of {sessions}{count:,} events")
    if not found.places:
        return
    right = [Column(name, justify="right") for name in ("events", "first offset", "last offset")]
    kafka = Table("topic", "partition", *right, "first event", "last event")
    for place in _by_partition(found.places):
        kafka.add_row(
            escape(place["topic"]),
            str(place["partition"]),
            f"{place['events']:,}",
            str(place["first_offset"]),
            str(place["last_offset"]),
            format_time(place["first_time"]),
            format_time(place["last_time"]),
        )
    console.print(kafka)
    rules = [f"{name} ({count:,})" for name, count in _by_rules(found.places)]
    console.print(f"rules_version of the events: {', '.join(rules)}\n")


def _show_partials(console: Console, number: Number, found: Explanation) -> None:
    rows = sum(row["rows"] for row, _ in found.partials)
    files = len(found.partials)
    console.print(f"{rows:,} partials in {files:,} files of {number.table.name}")
    if not found.partials:
        return
    table = Table("version", "committed", "by", Column("partials", justify="right"), "hours")
    for row, commit in found.partials[-_SHOWN_COMMITS:]:
        known = ("-", "-", "the log has it no more")
        if commit:
            known = (str(commit.version), format_time(commit.committed_at), commit.made_by)
        hours = f"{format_time(row['first_bucket'])} to {format_time(row['last_bucket'])}"
        table.add_row(*known, f"{row['rows']:,}", hours)
    console.print(table)
    if files > _SHOWN_COMMITS:
        console.print(f"... the last {_SHOWN_COMMITS}; all of them with --json")


def _show_rows(console: Console, title: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    table = Table(*rows[0], title=title, title_justify="left")
    for row in rows:
        table.add_row(*(escape(_text(value)) for value in row.values()))
    console.print(table)


def _by_partition(places: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The places of all rules together."""
    merged: dict[tuple[str, int], dict[str, Any]] = {}
    for place in places:
        key = (place["topic"], place["partition"])
        if key not in merged:
            merged[key] = {name: value for name, value in place.items() if name != "rules_version"}
            continue
        one = merged[key]
        one["events"] += place["events"]
        for name in ("first_offset", "first_time"):
            one[name] = min(one[name], place[name])
        for name in ("last_offset", "last_time"):
            one[name] = max(one[name], place[name])
    return list(merged.values())


def _by_rules(places: Iterable[dict[str, Any]]) -> list[tuple[str, int]]:
    counts: Counter[str] = Counter()
    for place in places:
        counts[str(place["rules_version"])] += place["events"]
    return sorted(counts.items())


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value == round(value) else f"{value:,.6g}"


def _text(value: Any) -> str:
    return format_time(value) if isinstance(value, datetime) else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
