"""Runs one checked SELECT of a user: text -> guard -> views at fixed versions -> rows as JSON.

Inside the process of `serving.sql.worker`; never more than one statement at a time.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from serving.gold_reader import GoldReader, States
from serving.sql.answer import Answer, describe_columns, limit_answer, write_json
from serving.sql.errors import explain_spark_error
from serving.sql.request import SqlRequest
from serving.sql.tables import READABLE
from serving.sql_guard.analysed import check_analysed
from serving.sql_guard.functions import find_classes
from serving.sql_guard.parsed import check_parsed
from serving.sql_guard.refusal import Refused
from serving.sql_guard.rewrite import Edit, apply_edits, make_edits
from serving.sql_guard.tree import read_tree

QUERY_CONF = {
    # Finding constraints can take exponential time, and every statement may be an odd one.
    "spark.sql.constraintPropagation.enabled": "false",
    # A join that no equality bounds must not fill the memory with one side of it.
    "spark.sql.autoBroadcastJoinThreshold": "4194304",
    # Its size is counted in pages of memory, of which one may have 64 MiB with a large heap.
    "spark.sql.maxBroadcastTableSize": "134217728",
    # Or the parser would put environment variables where a text says ${env:NAME}.
    "spark.sql.variable.substitute": "false",
    # Statements over Silver use every core.
    "spark.sql.shuffle.partitions": "2",
}


@dataclass(frozen=True)
class SqlLimits:
    max_length: int
    max_bytes: int
    max_scan_bytes: int


class SqlFailed(Exception):
    """Spark could not do it; `details` say where and what about it."""

    def __init__(self, message: str, details: dict[str, Any]) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


@dataclass
class SqlEngine:
    """A session for statements of users over the tables of `reader`."""

    spark: SparkSession
    reader: GoldReader
    limits: SqlLimits
    _classes: frozenset[str] = field(init=False)
    _numbers: Iterator[int] = field(init=False, default_factory=itertools.count)

    def __post_init__(self) -> None:
        for key, value in QUERY_CONF.items():
            self.spark.conf.set(key, value)
        self._classes = find_classes(self.spark)

    def run(self, request: SqlRequest) -> Answer:
        """The answer. Raises Refused, SqlFailed."""
        started = time.monotonic()
        with self.prepare(request) as (frame, tables):
            columns = describe_columns(frame)
            written = write_json(frame, request.limit + 1)
            self._check_scan(written)
            lines = (row[0] for row in written.toLocalIterator())
            rows, is_truncated = limit_answer(lines, columns, request.limit, self.limits.max_bytes)
        return Answer(columns, rows, is_truncated, tables, time.monotonic() - started)

    @contextmanager
    def prepare(self, request: SqlRequest) -> Iterator[tuple[DataFrame, list[str]]]:
        """The checked statement as a DataFrame that has not run, and the tables it reads."""
        text, edits = request.sql, list[Edit]()
        self._check_length(text)
        views: dict[str, str] = {}
        try:
            # Spark's parser goes by the settings of the thread's session.
            self._session().setActiveSession(self.spark._jsparkSession)
            references = check_parsed(self._parse(text), text, self._readable(request.states))
            tables = sorted({r.table for r in references if not r.is_qualifier})
            views = {table: self._open_view(table, request) for table in tables}
            edits = make_edits(text, references, views)
            yield self._analyse(apply_edits(text, edits), views.values()), tables
        except (PySparkException, Py4JJavaError) as error:
            message, details = explain_spark_error(error, text, edits)
            raise SqlFailed(message, details) from error
        finally:
            for view in views.values():
                self.spark.catalog.dropTempView(view)
            self._session().clearActiveSession()

    def _session(self) -> Any:
        jvm: Any = self.spark._jvm
        return jvm.org.apache.spark.sql.classic.SparkSession

    def _check_length(self, text: str) -> None:
        if len(text) > self.limits.max_length:
            raise Refused(
                "size",
                f"The statement has {len(text)} characters; at most {self.limits.max_length} "
                "(serving.sql.max_length).",
            )

    def _readable(self, states: States) -> list[str]:
        return [name for name, table in READABLE.items() if table.source in states]

    def _parse(self, text: str) -> Any:
        """The tree of a text. Only parsed: `spark.sql` would run a command at once."""
        return read_tree(self._parse_plan(text))

    def _parse_plan(self, text: str) -> Any:
        return self.spark._jsparkSession.sessionState().sqlParser().parsePlan(text)

    def _open_view(self, name: str, request: SqlRequest) -> str:
        """A view of a table at its version, of the rows that may be seen. Returns its name."""
        table = READABLE[name]
        frame = self.reader.open_table(table.source, request.states[table.source])
        frame = frame.where(table.condition)
        if request.sites is not None:
            frame = frame.where(F.col("site_id").isin(*request.sites))
        view = f"{name.replace('.', '_')}_{next(self._numbers)}"
        frame.createTempView(view)
        return view

    def _analyse(self, text: str, views: Collection[str]) -> DataFrame:
        """What runs is the very plan that was checked, not its text once more."""
        plan = self._parse_plan(text)
        check_parsed(read_tree(plan), text, views)
        jvm: Any = self.spark._jvm
        dataset = jvm.org.apache.spark.sql.classic.Dataset.ofRows(self.spark._jsparkSession, plan)
        analysed = dataset.queryExecution().analyzed()
        check_analysed(read_tree(analysed), views, self._classes)
        return DataFrame(dataset, self.spark)

    def _check_scan(self, frame: DataFrame) -> None:
        """How much the files hold that are left after pruning, by the tables' logs."""
        leaves = frame._jdf.queryExecution().optimizedPlan().collectLeaves()
        sizes = [leaves.apply(index).stats().sizeInBytes() for index in range(leaves.size())]
        total = sum(int(str(size)) for size in sizes)
        if total > self.limits.max_scan_bytes:
            raise Refused(
                "scan",
                f"The statement would read {total:,} bytes; at most {self.limits.max_scan_bytes:,} "
                "(serving.sql.max_scan_bytes). Filter by event_date, session_date or date.",
            )
