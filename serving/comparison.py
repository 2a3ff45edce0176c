"""`compare=previous`: each row with the same row of the period before, in one statement; pure.

From an endpoint and a selection to the two statements, joined by what makes a row. With `interval`
the n-th interval of the range is compared with the n-th of the period before.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import reduce

from serving.endpoint import Endpoint
from serving.queries import Statement, build_statement
from serving.ranges import Ranges, split_range
from serving.reading import Reading
from serving.selection import Selection
from serving.zones import number_of, number_sql

# The rows of the period before are looked up, so all are needed.
_NO_LIMIT = 2**31 - 1
# The period before is over: it is read as it was asked for.
_LATER = datetime.max.replace(tzinfo=UTC)


def compare_periods(endpoint: Endpoint, selection: Selection, ranges: Ranges) -> Statement:
    """The rows of `selection`, with `<metric>_previous` and `<metric>_change` after all columns.

    `_change` is (now - before) / before, null where before is 0 or not known. A row that was not
    there before has counts and sums of 0. `selection.previous` must be set.
    """
    assert selection.previous
    start, end = selection.previous
    earlier = replace(selection, start=start, end=end, limit=_NO_LIMIT, offset=0, previous=None)
    current = build_statement(endpoint, selection, ranges)
    previous = _rename_values(build_statement(endpoint, earlier, split_range(start, end, _LATER)))
    keys = [name for name in current.columns if name not in endpoint.columns]
    added = [f"{name}_previous" for name in endpoint.columns]
    added += [f"{name}_change" for name in endpoint.columns if _is_number(endpoint, name)]
    args = current.args | previous.args
    if selection.interval:
        args["intervals"] = _count_intervals(selection, selection.interval)

    def join(now: str, before: str) -> str:
        return (
            f"SELECT {', '.join([*(f'now.{name}' for name in current.columns), *_added(endpoint)])}"
            f"\nFROM (\n{now}\n) AS now LEFT JOIN (\n{before}\n) AS before\n"
            f"ON {' AND '.join(_match(name, selection) for name in keys) or 'true'}\n"
            f"ORDER BY {', '.join(_order(endpoint, keys)) or '1'}"
        )

    tables = tuple(dict.fromkeys((*current.tables, *previous.tables)))
    readings = [one.reading for one in (current, previous) if one.reading]
    reading = reduce(Reading.join, readings) if readings else None
    held_sql = join(current.held_sql or current.sql, previous.held_sql or previous.sql)
    return Statement(
        join(current.sql, previous.sql),
        args,
        tables,
        (*current.columns, *added),
        reading,
        held_sql if reading else None,
    )


def _added(endpoint: Endpoint) -> list[str]:
    changes = [
        f"try_divide(now.{name} - {_before(endpoint, name)}, {_before(endpoint, name)}) "
        f"AS {name}_change"
        for name in endpoint.columns
        if _is_number(endpoint, name)
    ]
    return [f"{_before(endpoint, name)} AS {name}_previous" for name in endpoint.columns] + changes


def _before(endpoint: Endpoint, name: str) -> str:
    is_sum = endpoint.all_metrics[name].unit in ("count", "money")
    return f"coalesce(before.{name}, 0)" if is_sum else f"before.{name}"


def _is_number(endpoint: Endpoint, name: str) -> bool:
    return endpoint.all_metrics[name].unit != "text"


def _match(key: str, selection: Selection) -> str:
    if key != "bucket" or not selection.interval:
        return f"now.{key} <=> before.{key}"
    numbers = [
        number_sql(selection.interval, f"CAST({side}.bucket AS TIMESTAMP)", selection.timezone)
        for side in ("now", "before")
    ]
    return f"{numbers[0]} - {numbers[1]} = :intervals"


def _order(endpoint: Endpoint, keys: list[str]) -> list[str]:
    """As the endpoint's own, of which a join keeps nothing."""
    first = ["bucket"] if "bucket" in keys else []
    return [f"now.{name}" for name in dict.fromkeys((*first, *endpoint.order_by, *keys))]


def _count_intervals(selection: Selection, interval: str) -> int:
    """How many intervals the beginning of the period before lies back."""
    assert selection.previous
    first, earlier = (
        number_of(interval, time, selection.timezone)
        for time in (selection.start, selection.previous[0])
    )
    return first - earlier


def _rename_values(statement: Statement) -> Statement:
    """The same statement with other names for its values."""
    marker = re.compile(rf":({'|'.join(statement.args)})\b")
    return statement.rewrite(
        lambda sql: marker.sub(r":previous_\1", sql),
        args={f"previous_{name}": value for name, value in statement.args.items()},
    )
