"""`<lake>/history.json`: from which version on a table may be asked for as it was.

Written before anything makes older versions unreadable or forbidden (maintenance, an erasure), read
with every request for the past. Text to floors and back; no I/O.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal, get_args

HISTORY_FILE = "history.json"

Reason = Literal["cleaned", "erased"]


@dataclass(frozen=True)
class Floor:
    """The first version that may be asked for, and what became of those before it."""

    version: int
    reason: Reason


def parse_floors(text: str) -> dict[str, Floor]:
    """Floors by table name. Raises ValueError for a text that is not of this form."""
    try:
        floors = {
            str(name): Floor(int(floor["version"]), floor["reason"])
            for name, floor in json.loads(text)["tables"].items()
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{HISTORY_FILE} is not of the form that is written: {error!r}") from error
    if any(floor.reason not in get_args(Reason) for floor in floors.values()):
        raise ValueError(f"{HISTORY_FILE} has a reason that is none of {get_args(Reason)}")
    return floors


def dump_floors(floors: Mapping[str, Floor]) -> str:
    return json.dumps({"tables": {name: asdict(floor) for name, floor in floors.items()}})


def raise_floors(old: Mapping[str, Floor], new: Mapping[str, Floor]) -> dict[str, Floor]:
    """The higher floor of each table: what may not be asked for any more never may again."""
    floors = dict(old)
    for name, floor in new.items():
        if name not in floors or floor.version > floors[name].version:
            floors[name] = floor
    return floors
