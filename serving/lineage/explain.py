"""A number explained: Gold's, the same from Silver, and the events and partials it is made of.

From a `Number` and the tables' states to an `Explanation`. Reads only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import functions as F

from serving.commit_times import Commits
from serving.gold_reader import GoldReader, States
from serving.lineage.commits import AddingCommit, find_adding
from serving.lineage.declared import COUNT_ERROR, EXACT_BELOW, Exact, make_exact
from serving.lineage.number import Number
from serving.lineage.statements import (
    count_anew,
    find_partials,
    find_places,
    is_of_events,
    list_events,
    list_sessions,
)
from serving.queries import Statement
from serving.ranges import Range, split_range

Row = dict[str, Any]
Say = Callable[[str], None]

# Sums of doubles depend on the order of adding.
_RELATIVE = 1e-9


@dataclass(frozen=True)
class Compared:
    """Gold's number, Silver's, and between which bounds Gold's must be."""

    gold: float | None
    silver: float | None
    low: float | None
    high: float | None

    @property
    def is_equal(self) -> bool:
        if self.gold is None or self.low is None or self.high is None:
            return self.gold is None and self.silver is None
        return self.low <= self.gold <= self.high


@dataclass(frozen=True)
class Explanation:
    """What a number is made of; `docs/lineage.md` shows one.

    places: events by topic, partition and rules_version. sessions: how many, for a number of
    sessions. partials: Gold's rows by file, each with the commit that added it, if the log has it.
    """

    compared: Compared
    versions: dict[str, int]
    places: list[Row]
    events: list[Row]
    sessions: list[Row]
    session_count: int | None
    partials: list[tuple[Row, AddingCommit | None]]
    has_edges: bool


def explain(
    reader: GoldReader, number: Number, states: States, limit: int, say: Say
) -> Explanation:
    """Explain a number as the tables in `states` have it.

    limit: how many events and sessions to list.
    """

    def ask(statement: Statement) -> list[Row]:
        rows = reader.run(statement, states, "explain")
        return [dict(zip(statement.columns, row, strict=True)) for row in rows]

    selection = number.selection
    ranges = split_range(selection.start, selection.end, datetime.now(UTC))
    exact = make_exact(number.table, number.metric)
    say("asking Gold")
    built = number.build(ranges)
    gold = [row[number.metric.name] for row in ask(built)]
    say("counting in Silver")
    (silver,) = ask(count_anew(number, exact))
    say("finding the events")
    places = ask(find_places(number, exact))
    events = ask(list_events(number, exact, limit)) if limit else []
    sessions = [] if is_of_events(number) else ask(list_sessions(number, exact, max(limit, 1)))
    count = None if is_of_events(number) else sum(row.pop("sessions") for row in sessions[:1])
    say("finding the partials")
    partials = _trace_partials(reader, number, states, ranges.hours) if ranges.hours else []
    read = dict.fromkeys((*built.tables, number.table.source, "silver.events"))
    return Explanation(
        compared=compare(number, exact, gold[0] if gold else None, silver),
        versions={name: states[name].version for name in read},
        places=places,
        events=events,
        sessions=[{k: v for k, v in row.items() if k != "sessions"} for row in sessions[:limit]],
        session_count=count,
        partials=partials,
        has_edges=bool(ranges.edges),
    )


def compare(number: Number, exact: Exact, gold: Any, silver: Row) -> Compared:
    """Both numbers; silver: what `count_anew` gave."""
    counted, low, high = (_plain(silver[name]) for name in ("number", "low", "high"))
    gold = _plain(gold)
    if gold is None and counted == 0:
        gold = 0.0  # no row is a count of nothing
    if counted is None or low is None or high is None:
        return Compared(gold, counted, None, None)
    slack = 0.0 if number.metric.unit == "count" else _RELATIVE * abs(counted)
    if exact.kind == "distinct":
        slack = max(1.0, COUNT_ERROR * counted) if counted >= EXACT_BELOW else 1.0
    return Compared(gold, counted, low - slack, high + slack)


def _plain(value: Any) -> float | None:
    return None if value is None else float(value)


def _trace_partials(
    reader: GoldReader, number: Number, states: States, hours: Range
) -> list[tuple[Row, AddingCommit | None]]:
    name = number.table.name
    state = states[name]
    table = reader.open_table(name, state).select(
        "*",
        F.col("_metadata.file_name").alias("file"),
        F.unix_micros(F.col("_metadata.file_modification_time")).alias("written_at"),
    )
    statement = find_partials(number, hours)
    rows = reader.run_over(statement, {name: table})
    commits = reader.read_commits(name, state, None)
    return [
        _place(reader, name, commits, dict(zip(statement.columns, row, strict=True)))
        for row in rows
    ]


def _place(
    reader: GoldReader, table: str, commits: Commits, row: Row
) -> tuple[Row, AddingCommit | None]:
    written_at = datetime.fromtimestamp(row.pop("written_at") / 1e6, UTC)
    return row, find_adding(reader, table, commits, row["file"], written_at)
