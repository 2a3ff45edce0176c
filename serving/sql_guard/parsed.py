"""The first question, of the text as Spark's parser read it: may this be looked up and run at all?

From the tree of a parsed statement to the tables it names; nothing has been resolved or evaluated
yet, which is why reading a file, calling a class or running a command can still be prevented.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from serving.sql_guard.bounds import check_bounds
from serving.sql_guard.functions import load_functions
from serving.sql_guard.nodes import PARSED_EXPRESSIONS, PARSED_PLANS, name_construct
from serving.sql_guard.refusal import Place, Refused
from serving.sql_guard.tree import Node

# Columns that Spark adds to every table of files: their paths, sizes and times.
_HIDDEN_COLUMNS = frozenset({"_metadata"})
_BUILTIN = ("system", "builtin")
_NAME = r"(?:`[^`]+`|\w+)"


@dataclass(frozen=True)
class Reference:
    """A table of the contract, where the text names it: to read it, or to qualify a column."""

    table: str
    place: Place
    is_qualifier: bool = False


def check_parsed(tree: Node, text: str, tables: Collection[str]) -> list[Reference]:
    """The references to `tables` in the text, each once, in its order. Raises Refused."""
    found: dict[int, Reference] = {}
    _check(tree, text, tables, frozenset(), found)
    return [found[start] for start in sorted(found)]


def _check(
    node: Node,
    text: str,
    tables: Collection[str],
    names: frozenset[str],
    found: dict[int, Reference],
) -> None:
    """Check a node and what is below it; `names` are those that WITH gives here."""
    if node.name not in (PARSED_PLANS if node.is_plan else PARSED_EXPRESSIONS):
        construct = name_construct(node.name)
        raise Refused(
            construct,
            f"{construct} is not allowed: send one query (SELECT, WITH, VALUES, UNION ...) that "
            "only reads.",
            node.place,
        )
    if node.name == "analysis.UnresolvedRelation":
        _check_relation(node, text, tables, names, found)
    elif node.name in _CALLS:
        _check_function(node)
    elif node.name in ("analysis.UnresolvedAttribute", "expressions.AttributeReference"):
        _check_column(node)
    if node.name in _COLUMNS:
        _find_qualifier(node, text, tables, found)
    check_bounds(node)
    if node.name == "plans.logical.UnresolvedWith":
        _check_with(node, text, tables, names, found)
        return
    for child in node.children:
        _check(child, text, tables, names, found)


def _check_with(
    node: Node,
    text: str,
    tables: Collection[str],
    names: frozenset[str],
    found: dict[int, Reference],
) -> None:
    """Each query of a WITH sees those before it, and what follows sees all."""
    if node.detail["is_recursive"]:
        raise Refused("WITH RECURSIVE", "WITH RECURSIVE is not allowed.", node.place)
    body, *queries = node.children
    for query in queries:
        _check(query, text, tables, names, found)
        names = names | {query.detail["alias"].lower()}
    _check(body, text, tables, names, found)


def _check_relation(
    node: Node,
    text: str,
    tables: Collection[str],
    names: frozenset[str],
    found: dict[int, Reference],
) -> None:
    parts, place = [part.lower() for part in node.detail["parts"]], node.place
    if not node.detail["is_plain"]:
        raise Refused("table options", "Options of a table are not allowed.", place)
    if len(parts) == 1 and parts[0] in names:
        return
    table = ".".join(parts)
    if table not in tables or any("." in part for part in parts):
        raise Refused(
            "table", f"There is no table {table!r}; there are: {', '.join(sorted(tables))}.", place
        )
    if place is None or not _is_spelled(text[place.start : place.stop + 1], parts):
        raise Refused("IDENTIFIER()", f"Name the table as it is: {table}.", place)
    found[place.start] = Reference(table, place)


def _is_spelled(spelling: str, parts: list[str]) -> bool:
    """Whether the text names the table plainly, with or without back-quotes."""
    names = re.fullmatch(rf"\s*({_NAME})\s*(?:\.\s*({_NAME})\s*)?", spelling)
    return (
        names is not None and [name.strip("`").lower() for name in names.groups() if name] == parts
    )


def _find_qualifier(
    node: Node, text: str, tables: Collection[str], found: dict[int, Reference]
) -> None:
    """`silver.events.page_path`: note where its `silver.events` is."""
    parts, place = [part.lower() for part in node.detail["parts"]], node.place
    minimum = 3 if node.name == "analysis.UnresolvedAttribute" else 2
    if len(parts) < minimum or place is None or ".".join(parts[:2]) not in tables:
        return
    spelled = re.match(rf"{_NAME}\s*\.\s*{_NAME}", text[place.start : place.stop + 1])
    if spelled and _is_spelled(spelled[0], parts[:2]):
        stop = place.start + spelled.end() - 1
        found[place.start] = Reference(".".join(parts[:2]), Place(place.start, stop), True)


_COLUMNS = frozenset({"analysis.UnresolvedAttribute", "analysis.UnresolvedStar"})
_CALLS = frozenset(
    f"analysis.{name}"
    for name in ("UnresolvedFunction", "UnresolvedTableValuedFunction", "UnresolvedGenerator")
)


def _check_function(node: Node) -> None:
    functions = load_functions()
    *path, name = (part.lower() for part in node.detail["parts"])
    shown = ".".join((*path, name))
    if path and tuple(path) not in (_BUILTIN, _BUILTIN[1:]):
        raise Refused("function", f"There is no function {shown}.", node.place)
    if reason := functions.denied.get(name):
        raise Refused("function", f"The function {name} is not allowed. {reason}", node.place)
    if name not in functions.allowed:
        raise Refused("function", f"There is no function {shown}.", node.place)
    is_in_from = node.name == "analysis.UnresolvedTableValuedFunction"
    if is_in_from and name not in functions.allowed_in_from:
        raise Refused("function", f"The function {name} is not allowed in FROM.", node.place)


def _check_column(node: Node) -> None:
    if hidden := _HIDDEN_COLUMNS.intersection(part.lower() for part in node.detail["parts"]):
        raise Refused("column", f"There is no column {', '.join(hidden)}.", node.place)
