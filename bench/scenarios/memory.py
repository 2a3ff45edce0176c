"""Memory of the running stack, from outside: resident sizes in `/proc`, and the JVM's heap.

The heap is read from the file of counters that every HotSpot JVM keeps mapped in `/tmp` (what
`jstat` reads), so no JDK is needed. Linux only.
"""

from __future__ import annotations

import getpass
import os
import re
import struct
from pathlib import Path

from bench.cores import find_family

_PROC = Path("/proc")
_COUNTERS = Path("/tmp")
_HEADER, _ENTRY = struct.Struct("<IBBBBiiqii"), struct.Struct("<iiiBBBBi")
_MAGIC = b"\xca\xfe\xc0\xc0"
_USED = re.compile(r"sun\.gc\.generation\.\d+\.space\.\d+\.used")
MB = 1024 * 1024


def list_family(root: int) -> dict[int, str]:
    """A process and its descendants: process id -> name of the program."""
    parents, names = {}, {}
    for stat in _PROC.glob("[0-9]*/stat"):
        try:
            head, _, tail = stat.read_text().rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended between the two looks
        pid = int(stat.parent.name)
        parents[pid], names[pid] = int(tail.split()[1]), head.partition("(")[2]
    return {pid: names.get(pid, "") for pid in find_family(parents, root)}


def read_status_mb(pid: int, key: str) -> float:
    """`VmRSS` (now) or `VmHWM` (the most so far) of a process, MB; 0 when it has ended."""
    try:
        text = (_PROC / str(pid) / "status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    found = re.search(rf"^{key}:\s+(\d+) kB", text, re.M)
    return int(found[1]) / 1024 if found else 0.0


def read_started_at(pid: int) -> float:
    """Unix time at which a process began."""
    ticks = int((_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[19])
    booted = re.search(r"^btime (\d+)", (_PROC / "stat").read_text(), re.M)
    if booted is None:
        raise RuntimeError("/proc/stat has no btime: the scenarios need Linux")
    return int(booted[1]) + ticks / os.sysconf("SC_CLK_TCK")


def read_heap_mb(pid: int) -> float:
    """Heap that the JVM uses, garbage since the last collection included, MB."""
    file = _COUNTERS / f"hsperfdata_{getpass.getuser()}" / str(pid)
    return sum_used(file.read_bytes()) / MB if file.exists() else 0.0


def sum_used(counters: bytes) -> int:
    """Bytes used in all spaces of all generations, from the file's content."""
    if counters[:4] != _MAGIC or len(counters) < _HEADER.size:
        raise ValueError("not a file of HotSpot counters")
    *_, offset, entries = _HEADER.unpack_from(counters)
    used = 0
    for _ in range(entries):
        length, name, _, kind, *_, data = _ENTRY.unpack_from(counters, offset)
        begin = offset + name
        text = counters[begin : counters.index(b"\0", begin)].decode()
        if kind == ord("J") and _USED.fullmatch(text):
            used += struct.unpack_from("<q", counters, offset + data)[0]
        offset += length
    return used
