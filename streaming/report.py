"""What the running app says of itself: `<checkpoints>/progress.json`.

From Spark's progress of each query to numbers that another process can read; the file is renewed
every two seconds, so its age and its process tell whether the app runs.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from settings.load import checkpoint_root
from settings.model import Settings
from streaming.files import read_text, write_text
from streaming.metrics import METRICS

if TYPE_CHECKING:
    from pyspark.sql.streaming.query import StreamingQuery

_RENEW_S = 2.0
# A start, a long stop-the-world pause or a slow remote write must not look like an end.
_GIVEN_UP_S = 60.0


@dataclass(frozen=True)
class FlowNumbers:
    """One flow's last batch, and the speed of its last one with rows.

    Rates are of the rows of the table it reads, however often a plan reads them.
    """

    input_rows_per_second: float = 0.0
    processed_rows_per_second: float = 0.0
    last_batch_ms: int | None = None
    rows_dropped_by_watermark: int = 0


@dataclass(frozen=True)
class Report:
    """The content of `progress.json`."""

    host: str
    pid: int
    written_at: float
    flows: dict[str, FlowNumbers] = field(default_factory=dict)

    @property
    def rows_dropped_by_watermark(self) -> int:
        """Rows lost since these checkpoints began; must be 0."""
        return sum(flow.rows_dropped_by_watermark for flow in self.flows.values())


class Reporter:
    """Follows the queries' progress and publishes it."""

    def __init__(self, settings: Settings) -> None:
        self._uri = _report_uri(settings)
        kept = read_report(settings)
        # What was dropped stays dropped, also after a restart; the other numbers begin anew.
        self._flows = {
            name: FlowNumbers(rows_dropped_by_watermark=flow.rows_dropped_by_watermark)
            for name, flow in (kept.flows.items() if kept else ())
        }
        self._seen: dict[str, str] = {}
        self._written_at = 0.0

    def publish(self, queries: Iterable[StreamingQuery]) -> dict[str, int]:
        """Take in what is new; returns the rows newly dropped by a watermark, by flow name."""
        dropped = {}
        for query in queries:
            name = str(query.name)
            fresh = [json.loads(progress.json()) for progress in self._new_progress(name, query)]
            flow = _add_progress(self._flows.get(name, FlowNumbers()), fresh)
            lost = sum(count_dropped(progress) for progress in fresh)
            self._flows[name] = replace(
                flow, rows_dropped_by_watermark=flow.rows_dropped_by_watermark + lost
            )
            if lost:
                dropped[name] = lost
        METRICS.show_flows(self._flows)
        if dropped or time.time() - self._written_at >= _RENEW_S:
            self._write()
        return dropped

    def _write(self) -> None:
        self._written_at = time.time()
        report = Report(socket.gethostname(), os.getpid(), self._written_at, self._flows)
        write_text(self._uri, json.dumps(asdict(report)))

    def _new_progress(self, name: str, query: StreamingQuery) -> list[Any]:
        """Spark's progress objects since the last call, oldest first."""
        # `query.recentProgress` would bring all hundred of them over as JSON each time.
        recent = query._jsq.recentProgress()
        fresh: list[Any] = []
        for index in range(len(recent) - 1, -1, -1):
            key = f"{recent[index].batchId()} {recent[index].timestamp()}"
            if key == self._seen.get(name):
                break
            fresh.append(recent[index])
        if fresh:
            self._seen[name] = f"{fresh[0].batchId()} {fresh[0].timestamp()}"
        return fresh[::-1]


def count_dropped(progress: dict[str, Any]) -> int:
    """Rows that came behind the watermark in one trigger: lost, if they were rows of ours."""
    return sum(int(state["numRowsDroppedByWatermark"]) for state in progress["stateOperators"])


def read_report(settings: Settings) -> Report | None:
    """What the app last said, None where it never did."""
    text = read_text(_report_uri(settings))
    if text is None:
        return None
    content = json.loads(text)
    flows = {name: FlowNumbers(**numbers) for name, numbers in content.pop("flows").items()}
    return Report(flows=flows, **content)


def is_app_running(report: Report | None) -> bool:
    """Whether the app that wrote the report still runs.

    The app's lock is not tried: an app that starts just then would be refused.
    """
    if report is None or time.time() - report.written_at > _GIVEN_UP_S:
        return False
    return report.host != socket.gethostname() or _is_alive(report.pid)


def _add_progress(flow: FlowNumbers, fresh: list[dict[str, Any]]) -> FlowNumbers:
    for progress in fresh:
        # The first source is the table or topic that the flow reads. A plan may read it a second
        # time, or read heartbeats beside it: the totals of the query would count those too.
        source = progress["sources"][0]
        flow = replace(flow, input_rows_per_second=_rate(source.get("inputRowsPerSecond")))
        # After its rows a batch without any may come, to move a watermark: no speed to tell.
        if source["numInputRows"] > 0:
            speed = _rate(source.get("processedRowsPerSecond"))
            flow = replace(flow, processed_rows_per_second=speed)
        if "addBatch" in progress["durationMs"]:  # a trigger that found nothing has none
            flow = replace(flow, last_batch_ms=int(progress["batchDuration"]))
    return flow


def _rate(value: Any) -> float:
    """Spark leaves a rate out, or says NaN, where there is nothing to divide by."""
    return round(float(value), 3) if isinstance(value, int | float) and value == value else 0.0


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's process, so there is one
        return True
    return True


def _report_uri(settings: Settings) -> str:
    return f"{checkpoint_root(settings)}/progress.json"
