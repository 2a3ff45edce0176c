"""The state of everything, as another process sees it: ledger, lag, rates, freshness, checks.

From the Kafka topic, the tables' metadata, the checkpoints and the app's own report to the answer
of `web-analytics status` (CONTRACT section 5). Reads only.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import KafkaException

from schemas import bronze, silver
from schemas.gold import GOLD_TABLES
from settings.load import lake_root
from settings.model import Settings
from streaming.delta_log import latest_version, read_commit, read_metadata
from streaming.ledger import Check, Ledger
from streaming.progress import (
    FLOW_NAMES,
    count_behind,
    count_kafka,
    interrupted_flows,
    is_closing_due,
)
from streaming.rejudge.journal import read_journal
from streaming.report import FlowNumbers, Report, is_app_running, read_report
from streaming.runtime import table_uri
from streaming.snapshots import Snapshot, read_snapshot

_KAFKA_TIMEOUT_S = 4.0
_ATTEMPTS = 4
# How many versions back a Gold table's last word on its time is looked for.
_VERSIONS_BACK = 20

# Shares of all records, and rows not yet read, that are worth a look, and that are alarming.
_DEAD_LETTER_SHARE = (0.05, 0.5)
_LAG_ROWS = (100_000, 2_000_000)

# Table -> the column its newest row is known by. From the back of the chain to the front: what is
# read first can only be less than what comes after it.
_TIME_COLUMNS = {
    silver.SESSIONS.name: "session_end",
    silver.DUPLICATES.name: "arrival_time",
    bronze.DEAD_LETTERS.name: "arrival_time",
    silver.EVENTS.name: "event_time",
    bronze.EVENTS.name: "arrival_time",
}


class Unobservable(Exception):
    """There is nothing to look at, or it cannot be reached; the message has the remedy."""


@dataclass(frozen=True)
class Overview:
    """One look. `is_steady`: nothing moved meanwhile, so its numbers are of one moment.

    `is_work_due`: there are sessions to close, or outcomes of a pass to put in place.
    """

    ledger: Ledger
    behind: dict[str, int]
    is_steady: bool
    is_work_due: bool
    interrupted: list[str]
    report: Report | None
    freshness_s: dict[str, float | None]

    @property
    def is_running(self) -> bool:
        return is_app_running(self.report)

    @property
    def is_caught_up(self) -> bool:
        """Gold has all that Kafka has. A batch that is running has its rows still to commit."""
        is_cut_off = bool(self.interrupted) and not self.is_running
        is_waiting = any(self.behind.values()) or self.is_work_due or is_cut_off
        return self.is_steady and not is_waiting


def observe(settings: Settings) -> Overview:
    """Look at everything; again where nothing was behind and yet something moved meanwhile.

    Raises Unobservable.
    """
    _require_lake(settings)
    try:
        for _ in range(_ATTEMPTS):
            overview = _look(settings)
            if overview.is_steady or any(overview.behind.values()):
                break
    except KafkaException as error:
        kafka = settings.kafka
        raise Unobservable(
            f"no answer about topic {kafka.topic!r} from Kafka at {kafka.bootstrap_servers!r}: "
            f"{error.args[0].str()}. Is `web-analytics up` running? Another broker is named with "
            "the settings kafka.bootstrap_servers and kafka.topic."
        ) from error
    return overview


def describe(overview: Overview) -> dict[str, Any]:
    """The answer of `status --json`."""
    flows = overview.report.flows if overview.report and overview.is_running else {}
    return {
        "caught_up": overview.is_caught_up,
        "ledger": overview.ledger.as_dict(),
        "flows": [
            _describe_flow(name, flows.get(name, FlowNumbers()), overview.behind[name])
            for name in FLOW_NAMES
        ],
        "freshness_s": overview.freshness_s,
        "checks": [asdict(check) for check in run_checks(overview)],
    }


def run_checks(overview: Overview) -> list[Check]:
    """What an operator would look at, with its limits."""
    lag = max(overview.behind.values())
    dropped = overview.report.rows_dropped_by_watermark if overview.report else 0
    ledger, is_caught_up = overview.ledger, overview.is_caught_up
    share = round(ledger.dead_letters / ledger.bronze, 6) if ledger.bronze else 0.0
    down = "WARNING" if is_caught_up else "CRITICAL"
    return [
        Check(
            "app_running",
            "HEALTHY" if overview.is_running else down,
            overview.is_running,
            True,
            "The streaming app runs.",
        ),
        Check("kafka_reachable", "HEALTHY", True, True, "The topic's end could be read."),
        Check(
            "ledger_balanced",
            "CRITICAL" if is_caught_up and not ledger.is_balanced else "HEALTHY",
            ledger.is_balanced,
            is_caught_up or None,
            "Every record has one outcome; need not hold while catching up.",
        ),
        Check(
            "rows_dropped_by_watermark",
            "CRITICAL" if dropped else "HEALTHY",
            dropped,
            0,
            "Rows lost since these checkpoints began.",
        ),
        Check(
            "dead_letter_share",
            _grade(share, *_DEAD_LETTER_SHARE),
            share,
            _DEAD_LETTER_SHARE[0],
            "Rejected records among all.",
        ),
        Check(
            "lag_rows",
            _grade(lag, *_LAG_ROWS),
            lag,
            _LAG_ROWS[0],
            "Rows that the flow furthest behind has still to read.",
        ),
    ]


def _look(settings: Settings) -> Overview:
    versions = {name: latest_version(table_uri(settings, name)) for name in _TIME_COLUMNS}
    ends = count_kafka(settings, _KAFKA_TIMEOUT_S)
    behind = count_behind(settings, ends)
    is_work_due = is_closing_due(settings) or read_journal(settings).pending is not None
    interrupted = interrupted_flows(settings)
    snapshots = {
        name: read_snapshot(table_uri(settings, name), column)
        for name, column in _TIME_COLUMNS.items()
    }
    ends_after = count_kafka(settings, _KAFKA_TIMEOUT_S)
    rows = {name: found.rows if found else 0 for name, found in snapshots.items()}
    expired = {name: found.expired if found else 0 for name, found in snapshots.items()}
    return Overview(
        ledger=Ledger(
            records=sum(ends_after.values()),
            bronze=rows[bronze.EVENTS.name],
            silver=rows[silver.EVENTS.name],
            dead_letters=rows[bronze.DEAD_LETTERS.name],
            duplicates=rows[silver.DUPLICATES.name],
            expired=expired[bronze.EVENTS.name],
            expired_letters=expired[bronze.DEAD_LETTERS.name],
        ),
        behind=behind,
        is_steady=ends == ends_after and versions == _versions(snapshots),
        is_work_due=is_work_due,
        interrupted=interrupted,
        report=read_report(settings),
        freshness_s=_measure_freshness(settings, snapshots),
    )


def _measure_freshness(
    settings: Settings, snapshots: dict[str, Snapshot | None]
) -> dict[str, float | None]:
    """Seconds since the newest time that each table has data of; None where it has none."""
    times = {name: found.newest if found else None for name, found in snapshots.items()}
    newest = dict(reversed(times.items()))
    newest |= {table.name: _gold_time(table_uri(settings, table.name)) for table in GOLD_TABLES}
    now = datetime.now(UTC)
    return {
        name: round((now - time).total_seconds(), 3) if time else None
        for name, time in newest.items()
    }


def _gold_time(table: str) -> datetime | None:
    """Up to when a Gold table is complete, as its last batch says."""
    newest = latest_version(table)
    for version in range(newest, max(newest - _VERSIONS_BACK, -1), -1):
        metadata = read_metadata(read_commit(table, version) or [])
        time = metadata.get("as_of") or metadata.get("complete_until")
        if time:
            return datetime.fromisoformat(time)
    return None


def _versions(snapshots: dict[str, Snapshot | None]) -> dict[str, int]:
    return {name: found.version if found else -1 for name, found in snapshots.items()}


def _describe_flow(name: str, numbers: FlowNumbers, behind: int) -> dict[str, Any]:
    return {
        "name": name,
        "input_rows_per_second": numbers.input_rows_per_second,
        "processed_rows_per_second": numbers.processed_rows_per_second,
        "last_batch_ms": numbers.last_batch_ms,
        "behind_rows": behind,
    }


def _grade(value: float, warning: float, critical: float) -> str:
    if value > critical:
        return "CRITICAL"
    return "WARNING" if value > warning else "HEALTHY"


def _require_lake(settings: Settings) -> None:
    if latest_version(table_uri(settings, bronze.EVENTS.name)) < 0:
        raise Unobservable(
            f"there is no lake at {lake_root(settings)} yet. `web-analytics up` or "
            "`web-analytics stream` makes one; another place is named with --data-dir or the "
            "setting lake.root."
        )
