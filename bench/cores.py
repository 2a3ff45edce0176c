"""Processor time of a process's descendants: a JVM and its Python workers, say.

Read from `/proc`; where there is none (macOS), the clock stands in for one busy core.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

_PROC = Path("/proc")


def read_core_s(root: int | None = None) -> float:
    """Core-seconds that they have used so far, and their own children that ended.

    root: whose descendants, by its process id; this process's if none is named.
    """
    root = root or os.getpid()
    if not (_PROC / "self" / "stat").exists():
        return time.monotonic()
    ticks: dict[int, tuple[int, int]] = {}
    for stat in _PROC.glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended between the two looks, and its parent has its time
        ticks[int(stat.parent.name)] = (int(fields[1]), sum(map(int, fields[11:15])))
    family = find_family({pid: parent for pid, (parent, _) in ticks.items()}, root)
    return sum(ticks[pid][1] for pid in family - {root}) / os.sysconf("SC_CLK_TCK")


def find_family(parents: Mapping[int, int], root: int) -> set[int]:
    """A process and all its descendants; parents: process id -> that of its parent."""
    family = {root}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return family
