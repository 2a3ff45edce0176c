"""Spark's trees as plain nodes: from a logical plan in the JVM to `Node`, with all it holds.

Children, the expressions of a plan, the plans of subqueries, WITH and named windows: whatever can
hold something that runs is below its node, so that a walk misses nothing. Which classes keep more
than that somewhere else is known for each class in `nodes`; no other class gets through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from serving.sql_guard.refusal import Place, Refused

MAX_DEPTH = 200
MAX_NODES = 10_000
_PACKAGE = "org.apache.spark.sql.catalyst."
# Expressions that hold a plan.
_SUBQUERIES = frozenset(
    f"expressions.{name}" for name in ("ScalarSubquery", "ListQuery", "Exists", "LateralSubquery")
)


@dataclass(frozen=True)
class Node:
    """One node: its class without Catalyst's package, what is below it, and what it says."""

    name: str
    is_plan: bool
    children: tuple[Node, ...] = ()
    detail: dict[str, Any] = field(default_factory=dict)
    find_place: Callable[[], Place | None] = field(default=lambda: None, compare=False, repr=False)

    @property
    def place(self) -> Place | None:
        return self.find_place()

    def walk(self) -> Iterator[Node]:
        """This node and all below it, from the top."""
        yield self
        for child in self.children:
            yield from child.walk()


def read_tree(plan: Any) -> Node:
    """A logical plan of the JVM as nodes. Raises Refused where it is too deep or too large."""
    return _Reading().read(plan, is_plan=True, depth=0)


class _Reading:
    """Counts what was read, so that no statement takes for ever to look at."""

    def __init__(self) -> None:
        self._count = 0

    def read(self, found: Any, is_plan: bool, depth: int) -> Node:
        self._count += 1
        if depth > MAX_DEPTH or self._count > MAX_NODES:
            raise Refused(
                "size",
                f"The statement is too large: at most {MAX_NODES} parts, {MAX_DEPTH} deep. "
                "Split it up or shorten it.",
            )
        name = found.getClass().getName().removeprefix(_PACKAGE)
        below = _look_below(found, name, is_plan)
        return Node(
            name=name,
            is_plan=is_plan,
            children=tuple(self.read(child, plan, depth + 1) for child, plan in below),
            detail=_DETAILS[name](found) if name in _DETAILS else {},
            find_place=lambda: _find_place(found),
        )


def _look_below(found: Any, name: str, is_plan: bool) -> list[tuple[Any, bool]]:
    if name == "plans.logical.View":
        return []  # one of ours: whose it is, is checked by its name
    below = [(child, is_plan) for child in _items(found.children())]
    if not is_plan:
        if name in _SUBQUERIES:
            below.append((found.plan(), True))
        if name == "analysis.UnresolvedStarExceptOrReplace" and found.replacements().isDefined():
            below += [(made, False) for made in _items(found.replacements().get())]
        return below
    below += [(child, True) for child in _items(found.innerChildren())]
    below += [(child, False) for child in _items(found.expressions())]
    if name == "plans.logical.WithWindowDefinition":
        windows = found.windowDefinitions().values().toSeq()
        below += [(window, False) for window in _items(windows)]
    return below


def _items(sequence: Any) -> list[Any]:
    return [sequence.apply(index) for index in range(sequence.size())]


def _find_place(found: Any) -> Place | None:
    origin = found.origin()
    start, stop = origin.startIndex(), origin.stopIndex()
    if not (start.isDefined() and stop.isDefined()):
        return None
    return Place(int(start.get()), int(stop.get()))


def _read_relation(found: Any) -> dict[str, Any]:
    return {
        "parts": _items(found.multipartIdentifier()),
        "is_plain": bool(found.options().isEmpty()) and not found.isStreaming(),
    }


def _read_generator(found: Any) -> dict[str, Any]:
    return {"parts": str(found.name().unquotedString()).split(".")}


def _read_star(found: Any) -> dict[str, Any]:
    target = found.target()
    return {"parts": _items(target.get()) if target.isDefined() else []}


def _read_literal(found: Any) -> dict[str, Any]:
    value = found.value()
    is_plain = value is None or isinstance(value, bool | int | float | str)
    return {"value": value if is_plain else str(value)}


_DETAILS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "analysis.UnresolvedRelation": _read_relation,
    "analysis.UnresolvedFunction": lambda found: {"parts": _items(found.nameParts())},
    "analysis.UnresolvedTableValuedFunction": lambda found: {"parts": _items(found.name())},
    "analysis.UnresolvedGenerator": _read_generator,
    "analysis.UnresolvedAttribute": lambda found: {"parts": _items(found.nameParts())},
    "analysis.UnresolvedStar": _read_star,
    "expressions.Literal": _read_literal,
    "expressions.AttributeReference": lambda found: {"parts": [found.name()]},
    "plans.logical.SubqueryAlias": lambda found: {"alias": str(found.alias())},
    "plans.logical.UnresolvedWith": lambda found: {"is_recursive": bool(found.allowRecursion())},
    "plans.logical.View": lambda found: {"view": str(found.desc().identifier().table())},
}
