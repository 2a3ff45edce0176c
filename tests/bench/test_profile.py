"""The profile's samples: read from what `jfr print` says, and told apart."""

from __future__ import annotations

import pytest

from bench.profile import CATEGORIES, OTHER, categorise, read_samples

_PRINTED = """
jdk.ExecutionSample {
  startTime = 12:07:35.123
  sampledThread = "stream execution thread for silver" (javaThreadId = 81)
  state = "STATE_RUNNABLE"
  stackTrace = [
    java.util.HashMap.hash(Object) line: 338
    org.apache.spark.sql.catalyst.optimizer.ColumnPruning$.apply(LogicalPlan) line: 12
    ...
  ]
}

jdk.ExecutionSample {
  stackTrace = [
    org.apache.parquet.column.values.bitpacking.ByteBitPacking.pack8Values() line: 1
    org.apache.spark.sql.delta.Snapshot.stateDF() line: 2
  ]
}
"""


def test_each_sample_is_its_stack() -> None:
    first, second = read_samples(_PRINTED.splitlines())
    assert first[0].startswith("java.util.HashMap.hash")
    assert len(first) == 3
    assert second[-1].startswith("org.apache.spark.sql.delta.Snapshot")


def test_the_innermost_known_frame_decides() -> None:
    found = [categorise(frames) for frames in read_samples(_PRINTED.splitlines())]
    assert found == ["analysing, optimising, planning", "Parquet"]


@pytest.mark.parametrize(
    ("frame", "category"),
    [
        ("org.codehaus.janino.UnitCompiler.compile()", "generating and compiling code"),
        ("java.io.ObjectOutputStream.writeObject0()", "serialising tasks and closures"),
        ("org.rocksdb.RocksDB.put()", "state of deduplication and sessions"),
        (
            "org.apache.spark.sql.catalyst.expressions.Cast.eval(InternalRow)",
            "rows: other expressions",
        ),
        ("org.apache.spark.sql.delta.DeltaLog.update()", "Delta: logs, snapshots, commits"),
        ("java.lang.Thread.run()", OTHER),
    ],
)
def test_frames_are_told_apart(frame: str, category: str) -> None:
    assert category in (*CATEGORIES, OTHER)
    assert categorise([frame]) == category
