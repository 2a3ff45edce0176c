"""Put small files together, partition by partition; and keep the log short.

Each partition is one commit that changes no row, which streams and change feeds leave out. While
the flows run it is done for their tables beside their batches (`Compactor`); `maintain` does it for
what is larger (docs/adr/0011).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property

import structlog
from delta.tables import DeltaTable

from streaming.maintenance.files import (
    FLOW_SIZES,
    DataFile,
    FileSizes,
    last_said,
    list_files,
    open_session,
)
from streaming.maintenance.trim import trim_log
from streaming.runtime import Runtime
from streaming.session import set_properties
from streaming.sinks import say_in_commits
from streaming.table_locks import hold_files, hold_table

log = structlog.get_logger(__name__)

COMPACT_EVERY_BATCHES = 50
# Fewer are not worth a commit, which costs about as much as a batch.
_MIN_FILES = 20

Partition = tuple[tuple[str, str | None], ...]


class CompactionFailed(Exception):
    """Small files could not be put together; no row is lost, and the app starts again."""


class Compactor:
    """Compacts the flows' tables, and trims their logs, while the flows go on: in a thread.

    Rows can be appended to a table meanwhile, and nobody needs a turn: only who takes rows out of
    the table waits (`streaming.table_locks`).
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="compaction")
        self._counts: defaultdict[str, int] = defaultdict(int)
        self._work: dict[str, Future[None]] = {}

    def count_batch(
        self, tables: Iterable[str], every: int = COMPACT_EVERY_BATCHES, counted: int = 0
    ) -> None:
        """A batch was written to these tables. What is due now is compacted soon.

        counted: batches to begin with, so that not all tables are due at once.
        """
        for table in tables:
            self._counts[table] += 1
            is_at_it = table in self._work and not self._work[table].done()
            if (self._counts[table] + counted) % every == 0 and not is_at_it:
                self._work[table] = self._thread.submit(self._tidy, table)

    def require_well(self) -> None:
        """Raises CompactionFailed if one has."""
        for table, work in self._work.items():
            if work.done() and not work.cancelled() and (error := work.exception()):
                raise CompactionFailed(f"compaction of '{table}' has failed: {error}") from error

    def close(self) -> None:
        """Wait for the table that is being compacted, and leave the others as they are.

        Raises CompactionFailed.
        """
        self._thread.shutdown(cancel_futures=True)
        self.require_well()

    @cached_property
    def _beside(self) -> Runtime:
        """The same, in a session that no batch shares; most runs of the flows never need it."""
        return open_session(self._runtime)

    def _tidy(self, table: str) -> None:
        count = compact_beside(self._beside, table)
        is_trimmed = trim_log(self._beside, table)
        log.debug("compacted", table=table, files=count, log_trimmed=is_trimmed)


def compact_beside(runtime: Runtime, table: str) -> int:
    """Put together what the small batches of a flow have left, while it appends more.

    Returns how many files. The commits say nothing: what they could repeat may be older than what
    an append has said meanwhile.
    """
    partitions = find_small(list_files(runtime, table), FLOW_SIZES.small, _MIN_FILES)
    for partition in partitions:
        with hold_files(runtime, table):
            _optimize(runtime, table, partition, FLOW_SIZES)
    return sum(partitions.values())


def compact_table(runtime: Runtime, table: str, sizes: FileSizes, *, is_dry_run: bool) -> int:
    """Put the small files of each partition together, as the only one that writes to the table.

    Returns how many there are, or were.
    """
    partitions = find_small(list_files(runtime, table), sizes.small, 2)
    for partition in partitions if not is_dry_run else ():
        # Not for all partitions at once: the table's flow waits meanwhile.
        with (
            hold_table(runtime, table),
            say_in_commits(runtime.spark, last_said(runtime, table)),
        ):
            _optimize(runtime, table, partition, sizes)
    return sum(partitions.values())


def _optimize(runtime: Runtime, table: str, partition: Partition, sizes: FileSizes) -> None:
    with set_properties(runtime.spark, sizes.properties):
        optimize = DeltaTable.forPath(runtime.spark, runtime.table(table)).optimize()
        where = _choose(partition)
        (optimize.where(where) if where else optimize).executeCompaction()


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
