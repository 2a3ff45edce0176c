"""The reviewed list of functions, `functions.yaml`: which may be called, which not and why."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).with_name("functions.yaml")


@dataclass(frozen=True)
class Functions:
    """`denied` maps a function to its reason. What is in neither is denied as unknown."""

    allowed: frozenset[str]
    denied: dict[str, str]
    allowed_in_from: frozenset[str]


@cache
def load_functions() -> Functions:
    """The list; each function is on one side only."""
    content: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    allowed = frozenset(name for group in content["allowed"].values() for name in group)
    denied = {
        name: reason["why"] for reason in content["denied"].values() for name in reason["functions"]
    }
    in_from = frozenset(content["allowed_in_from"])
    if both := allowed & denied.keys():
        raise ValueError(f"{FILE.name}: both allowed and denied: {', '.join(sorted(both))}")
    if strange := in_from - allowed:
        raise ValueError(f"{FILE.name}: allowed_in_from only: {', '.join(sorted(strange))}")
    return Functions(allowed, denied, in_from)


def find_classes(spark: Any) -> frozenset[str]:
    """The JVM classes behind the allowed functions, as this Spark registers them.

    A class that also stands behind a denied function is not among them.
    """
    functions = load_functions()
    state = spark._jsparkSession.sessionState()
    classes: dict[bool, set[str]] = {True: set(), False: set()}
    for registry in (state.functionRegistry(), state.tableFunctionRegistry()):
        names = registry.listFunction()
        for index in range(names.size()):
            identifier = names.apply(index)
            found = registry.lookupFunction(identifier)
            if found.isDefined():
                name = str(identifier.funcName())
                classes[name in functions.allowed].add(str(found.get().getClassName()))
    return frozenset(classes[True] - classes[False])
