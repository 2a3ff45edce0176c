"""Looks at the running stack every few seconds: memory, state on disk, rows behind, batch times.

From `/proc`, the checkpoints' files and the tables' logs; the product reports nothing for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlparse

from bench.flows import read_settings
from bench.scenarios.memory import MB, list_family, read_heap_mb, read_status_mb
from bench.stack import Stack
from streaming.progress import FLOW_NAMES, count_behind

_EVERY_S = 3.0


@dataclass(frozen=True)
class Sample:
    """One look. MB; python_mb counts pages that workers share once for each."""

    at: float
    jvm_mb: float
    heap_mb: float
    python_mb: float
    api_mb: float
    state_mb: float
    behind: dict[str, int]


@dataclass
class Samples:
    """All looks, and the seconds of every finished batch by flow and number."""

    looks: list[Sample] = field(default_factory=list)
    batches: dict[str, dict[int, tuple[float, float]]] = field(default_factory=dict)
    jvm_peak_mb: float = 0.0

    def peak(self, name: str) -> float:
        """The largest value of a field of the looks."""
        return max((getattr(look, name) for look in self.looks), default=0.0)

    def durations(self, flow: str, since: float = 0.0, until: float = float("inf")) -> list[float]:
        """Seconds of the flow's batches that were planned in that time."""
        batches = self.batches.get(flow, {}).values()
        return [done - planned for planned, done in batches if since <= planned < until]


def watch_stack(stack: Stack, should_stop: Callable[[], bool], samples: Samples) -> None:
    """Fill `samples` until told to stop."""
    checkpoints = Path(unquote(urlparse(stack.run["checkpoints"]).path))
    settings = read_settings(stack.data_dir, stack.run["kafka"])
    known = find_done(checkpoints)  # of earlier phases
    while not should_stop():
        family = list_family(stack.run["pids"]["stream"])
        javas = [pid for pid, name in family.items() if name == "java"]
        resident = {pid: read_status_mb(pid, "VmRSS") for pid in family}
        samples.looks.append(
            Sample(
                at=time.time(),
                jvm_mb=sum(resident[pid] for pid in javas),
                heap_mb=sum(map(read_heap_mb, javas)),
                python_mb=sum(resident.values()) - sum(resident[pid] for pid in javas),
                api_mb=sum(
                    read_status_mb(pid, "VmRSS") for pid in list_family(stack.run["pids"]["api"])
                ),
                state_mb=sum(map(measure_folder, checkpoints.glob("*/state"))) / MB,
                behind=count_behind(settings),
            )
        )
        peak = sum(read_status_mb(pid, "VmHWM") for pid in javas)
        samples.jvm_peak_mb = max(samples.jvm_peak_mb, peak)
        # Spark keeps the files of the last batches only, so they are read as they come.
        for flow, done in find_done(checkpoints).items():
            new = {number: times for number, times in done.items() if number not in known[flow]}
            samples.batches.setdefault(flow, {}).update(new)
        time.sleep(_EVERY_S)


def find_done(checkpoints: Path) -> dict[str, dict[int, tuple[float, float]]]:
    """By flow and number, when each finished batch was planned and done (Unix times)."""
    found: dict[str, dict[int, tuple[float, float]]] = {}
    for flow in FLOW_NAMES:
        planned, done = (_list_times(checkpoints / flow / log) for log in ("offsets", "commits"))
        found[flow] = {
            number: (planned[number], done[number]) for number in planned.keys() & done.keys()
        }
    return found


def _list_times(folder: Path) -> dict[int, float]:
    times = {}
    for file in folder.glob("[0-9]*"):
        try:
            changed_at = file.stat().st_mtime
        except FileNotFoundError:
            continue  # Spark has just removed it
        if file.name.isdigit():
            times[int(file.name)] = changed_at
    return times


def measure_folder(folder: Path) -> int:
    """Bytes of all files under a folder that may change meanwhile."""
    size = 0
    for file in folder.rglob("*"):
        try:
            size += file.stat().st_size if file.is_file() else 0
        except FileNotFoundError:
            continue
    return size
