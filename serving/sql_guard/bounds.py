"""Arguments that set how much a function makes: constants, within bounds.

Only what one glance at the text can tell. What grows with the data is bounded by the time and the
memory of the process that runs it (`serving.sql.pool`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from serving.sql_guard.refusal import Refused
from serving.sql_guard.tree import Node

MAX_REPEATS = 10_000
MAX_DIGITS = 100
MAX_SEQUENCE = 1_000_000
MAX_RANGE_ROWS = 10_000_000
MAX_GROUPING_SETS = 128
MAX_WINDOWS_OF_A_ROW = 100
# Function -> the position of the argument that says how often, how long or how many digits.
_COUNTS = {
    "repeat": (1, MAX_REPEATS),
    "space": (0, MAX_REPEATS),
    "lpad": (1, MAX_REPEATS),
    "rpad": (1, MAX_REPEATS),
    "array_repeat": (1, MAX_REPEATS),
    "randstr": (0, MAX_REPEATS),
    "stack": (0, MAX_REPEATS),
    "array_insert": (1, MAX_REPEATS),
    "round": (1, MAX_DIGITS),
    "bround": (1, MAX_DIGITS),
    "ceil": (1, MAX_DIGITS),
    "ceiling": (1, MAX_DIGITS),
    "floor": (1, MAX_DIGITS),
    "format_number": (1, MAX_DIGITS),
}
_SECONDS = {
    "microsecond": 1e-6,
    "millisecond": 1e-3,
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86400,
    "week": 7 * 86400,
}


def check_bounds(node: Node) -> None:
    """Refuse what would make more than anybody asks for. Raises Refused."""
    if node.name == "plans.logical.Aggregate":
        _check_groupings(node)
        return
    if node.name not in ("analysis.UnresolvedFunction", "analysis.UnresolvedTableValuedFunction"):
        return
    name = node.detail["parts"][-1].lower()
    if name in _COUNTS:
        _check_count(node, name, *_COUNTS[name])
    elif name in _CHECKS:
        _CHECKS[name](node)


def find_number(node: Node) -> float | None:
    """The number that a constant expression stands for; None if it is none."""
    value = node.detail.get("value")
    if node.name == "expressions.Literal" and not isinstance(value, bool):
        if isinstance(value, int | float):
            return float(value)
        return float(str(value)) if re.fullmatch(r"\d{1,30}(\.\d{1,30})?", str(value)) else None
    if node.name == "expressions.UnaryMinus":
        number = find_number(node.children[0])
        return None if number is None else -number
    return None


def _check_count(node: Node, name: str, position: int, most: int) -> None:
    if len(node.children) <= position:
        return  # Spark says what is wrong, or there is a default
    number = find_number(node.children[position])
    if number is None or abs(number) > most:
        raise Refused(
            "function",
            f"Argument {position + 1} of {name} must be a number of at most {most}.",
            node.place,
        )


def _check_sequence(node: Node) -> None:
    numbers = [find_number(child) for child in node.children]
    if len(numbers) < 2 or numbers[0] is None or numbers[1] is None:
        return
    step = numbers[2] if len(numbers) > 2 else 1
    if step and abs(numbers[1] - numbers[0]) / abs(step) > MAX_SEQUENCE:
        raise Refused("function", f"A sequence has at most {MAX_SEQUENCE} elements.", node.place)


def _check_range(node: Node) -> None:
    numbers = [find_number(child) for child in node.children]
    if not 1 <= len(numbers) <= 3 or any(number is None for number in numbers):
        raise Refused("function", "range takes one to three numbers, written as such.", node.place)
    start, end, step = _fill_range([number or 0 for number in numbers])
    if step and abs(end - start) / abs(step) > MAX_RANGE_ROWS:
        raise Refused("function", f"A range has at most {MAX_RANGE_ROWS} rows.", node.place)


def _fill_range(numbers: list[float]) -> tuple[float, float, float]:
    if len(numbers) == 1:
        return 0, numbers[0], 1
    return numbers[0], numbers[1], numbers[2] if len(numbers) > 2 else 1


def _check_format(node: Node) -> None:
    """A width in a format makes a text of that length."""
    if not node.children:
        return
    text = node.children[0].detail.get("value")
    if not isinstance(text, str) or any(len(digits) > 3 for digits in re.findall(r"\d+", text)):
        raise Refused(
            "function", "The format must be a text with widths of at most 999.", node.place
        )


def _check_window(node: Node) -> None:
    """Sliding windows put a row into length / slide windows, each planned on its own."""
    if len(node.children) < 3:
        return
    length, slide = (_find_seconds(child) for child in node.children[1:3])
    if not length or not slide or length / slide > MAX_WINDOWS_OF_A_ROW:
        raise Refused(
            "function",
            "Length and slide of a window must be like '1 hour', '10 minutes', and a row may be in "
            f"at most {MAX_WINDOWS_OF_A_ROW} windows.",
            node.place,
        )


def _find_seconds(node: Node) -> float | None:
    text = str(node.detail.get("value") or "").strip().lower().removeprefix("interval ")
    matched = re.fullmatch(r"(\d{1,9}) (\w+?)s?", text)
    unit = _SECONDS.get(matched[2]) if matched else None
    return int(matched[1]) * unit if matched and unit else None


_GROUPINGS = frozenset({"expressions.Cube", "expressions.Rollup", "expressions.GroupingSets"})


def _check_groupings(node: Node) -> None:
    """Several of them side by side multiply."""
    groupings = [child for child in node.children if child.name in _GROUPINGS]
    if math.prod(_count_sets(grouping) for grouping in groupings) > MAX_GROUPING_SETS:
        raise Refused(
            "grouping sets", f"There may be at most {MAX_GROUPING_SETS} grouping sets.", node.place
        )


def _count_sets(grouping: Node) -> int:
    columns = len(grouping.children)
    return 2**columns if grouping.name == "expressions.Cube" else columns + 1


_CHECKS: dict[str, Callable[[Node], None]] = {
    "sequence": _check_sequence,
    "range": _check_range,
    "format_string": _check_format,
    "printf": _check_format,
    "window": _check_window,
}
