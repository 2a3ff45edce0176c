"""Put small files together, partition by partition.

Each partition is one commit that changes no row, which streams and change feeds leave out. A flow
does it for its tables every so many batches, `maintain` for what is larger (docs/adr/0011).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext

import structlog
from delta.tables import DeltaTable

from streaming.maintenance.files import FLOW_SIZES, DataFile, FileSizes, last_said, list_files
from streaming.runtime import Runtime
from streaming.session import set_properties
from streaming.sinks import hold_table, say_in_commits

log = structlog.get_logger(__name__)

COMPACT_EVERY_BATCHES = 50
# Fewer are not worth a commit, which costs about as much as a batch.
_MIN_FILES = 20

Partition = tuple[tuple[str, str | None], ...]
# Opened round each commit: see `streaming.pacing.Turns`.
TakeTurn = Callable[[], AbstractContextManager[object]]


def open_compaction(
    tables: Iterable[str],
    take_turn: TakeTurn = nullcontext,
    every: int = COMPACT_EVERY_BATCHES,
    counted: int = 0,
) -> Callable[[Runtime], None]:
    """Return what a flow calls after each batch: every so many, it compacts its tables.

    What is large enough is left alone, so an event is written again once or twice.

    counted: batches to begin with, so that flows which go in step do not all stop at once for it.
    """
    batches = counted

    def compact(runtime: Runtime) -> None:
        nonlocal batches
        batches += 1
        if batches % every == 0:
            for table in tables:
                count = compact_table(
                    runtime, table, FLOW_SIZES, at_least=_MIN_FILES, take_turn=take_turn
                )
                log.debug("compacted", table=table, files=count)

    return compact


def compact_table(
    runtime: Runtime,
    table: str,
    sizes: FileSizes,
    *,
    at_least: int = 2,
    take_turn: TakeTurn = nullcontext,
    is_dry_run: bool = False,
) -> int:
    """Put the small files of each partition that has `at_least` so many together.

    Returns how many there are, or were.
    """
    partitions = find_small(list_files(runtime, table), sizes.small, at_least)
    for partition in partitions if not is_dry_run else ():
        # Not for all partitions at once: the table's flow waits meanwhile.
        with (
            take_turn(),
            hold_table(runtime, table),
            say_in_commits(runtime.spark, last_said(runtime, table)),
            set_properties(runtime.spark, sizes.properties),
        ):
            optimize = DeltaTable.forPath(runtime.spark, runtime.table(table)).optimize()
            where = _choose(partition)
            (optimize.where(where) if where else optimize).executeCompaction()
    return sum(partitions.values())


def find_small(files: list[DataFile], below: int, at_least: int) -> dict[Partition, int]:
    """Partitions with `at_least` so many files below a size (bytes), and how many each has."""
    counts: defaultdict[Partition, int] = defaultdict(int)
    for file in files:
        if file.size < below:
            counts[tuple(sorted(file.partition_values.items()))] += 1
    ordered = sorted(counts.items(), key=repr)
    return {partition: count for partition, count in ordered if count >= at_least}


def _choose(partition: Partition) -> str:
    return " AND ".join(
        f"{name} IS NULL" if value is None else f"{name} = '{value}'" for name, value in partition
    )
