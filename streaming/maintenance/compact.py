"""Put small files together, partition by partition.

Each partition is one commit that changes no row, which streams and change feeds leave out.
"""

from __future__ import annotations

from collections import defaultdict

from delta.tables import DeltaTable

from schemas.table import GoldTable, Table
from streaming.maintenance.files import SMALL_BYTES, DataFile, last_said, list_files
from streaming.runtime import Runtime
from streaming.sinks import hold_table, say_in_commits

Partition = tuple[tuple[str, str | None], ...]


def compact_table(runtime: Runtime, table: Table | GoldTable, *, is_dry_run: bool) -> int:
    """Put the small files of each partition together; returns how many there are, or were."""
    partitions = find_small(list_files(runtime, table.name))
    for partition in partitions if not is_dry_run else ():
        # Not for all partitions at once: the table's flow waits meanwhile.
        with (
            hold_table(runtime, table.name),
            say_in_commits(runtime.spark, last_said(runtime, table.name)),
        ):
            optimize = DeltaTable.forPath(runtime.spark, runtime.table(table.name)).optimize()
            where = _choose(partition)
            (optimize.where(where) if where else optimize).executeCompaction()
    return sum(partitions.values())


def find_small(files: list[DataFile]) -> dict[Partition, int]:
    """Partitions with several small files, and how many each has."""
    counts: defaultdict[Partition, int] = defaultdict(int)
    for file in files:
        if file.size < SMALL_BYTES:
            counts[tuple(sorted(file.partition_values.items()))] += 1
    return {partition: count for partition, count in sorted(counts.items(), key=repr) if count > 1}


def _choose(partition: Partition) -> str:
    return " AND ".join(
        f"{name} IS NULL" if value is None else f"{name} = '{value}'" for name, value in partition
    )
