"""The ledger: every record of Kafka is accounted for, once (CONTRACT section 2).

`Ledger` compares row counts, which costs no query. `verify` proves the same by each record's Kafka
coordinates, and each later table from the one before it in plain SQL, so by other means than the
streams that wrote them; it needs Spark and reads everything.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from schemas import bronze, silver
from schemas.gold import GOLD_TABLES
from schemas.gold.realtime import REALTIME
from settings.retention import first_day_of_minutes
from streaming.delta_log import latest_version
from streaming.proofs import (
    COPIES_WITH_ANOTHER_BODY,
    DUPLICATES_WITHOUT_EVENT,
    EVENTS_TWICE,
    each_record_once,
    gold_wrong,
    offset_gaps,
    sessions_wrong,
)
from streaming.runtime import Runtime
from streaming.snapshots import EXPIRED, read_transactions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Rows that an erasure took out of Silver: no command erases yet, the one that does counts here.
ERASED = 0


@dataclass(frozen=True)
class Check:
    """One thing looked at: what was found, and where it stops being good."""

    name: str
    status: str  # HEALTHY, WARNING or CRITICAL
    value: float | int | bool | str | None
    threshold: float | int | bool | str | None
    help: str


@dataclass(frozen=True)
class Ledger:
    """Row counts of one moment.

    expired, expired_letters: records that Bronze and the dead letters had and have let go of
    (setting retention.bronze_days).
    """

    records: int
    bronze: int
    silver: int
    dead_letters: int
    duplicates: int
    erased: int = ERASED
    expired: int = 0
    expired_letters: int = 0

    @property
    def is_balanced(self) -> bool:
        """Holds whenever the app is caught up; while it is behind, it need not."""
        letters = self.dead_letters + self.expired_letters
        outcomes = self.silver + letters + self.duplicates + self.erased
        return self.records == self.bronze + self.expired == outcomes

    def as_dict(self) -> dict[str, int | bool]:
        """As `status --json` has it: of what is expired only where something is."""
        counts = asdict(self)
        if not (self.expired or self.expired_letters):
            del counts["expired"], counts["expired_letters"]
        return {**counts, "balanced": self.is_balanced}


def verify(runtime: Runtime) -> list[Check]:
    """Prove the ledger and all that is made from it; no check may be CRITICAL.

    Only a lake that is caught up can pass: what is on its way is in no table yet.
    """
    # Status needs the rest of this module without the second that Spark takes to import.
    from streaming.sources import read_table

    names = (
        bronze.EVENTS.name,
        bronze.DEAD_LETTERS.name,
        silver.EVENTS.name,
        silver.DUPLICATES.name,
        silver.SESSIONS.name,
        *(table.name for table in GOLD_TABLES),
    )
    # From the back of the chain to the front, and every check on the same versions.
    frames: dict[str, Any] = {
        name.replace(".", "_"): read_table(runtime, name, latest_version(runtime.table(name)))
        for name in reversed(names)
    }
    has_expired = _count_expired(runtime, bronze.EVENTS.name) > 0
    queries = {
        "records_without_one_outcome": (
            "Kafka coordinates that are not once in Bronze and once in Silver, the dead letters "
            "or the duplicates.",
            each_record_once(has_expired=has_expired),
        ),
        "offsets_missing": (
            "Offsets between the first and the last that Bronze does not have.",
            offset_gaps(runtime.settings, has_expired=has_expired),
        ),
        "events_twice": ("Rows of silver.events beyond the first of an event.", EVENTS_TWICE),
        "duplicates_without_event": (
            "Duplicates whose event is not in silver.events.",
            DUPLICATES_WITHOUT_EVENT,
        ),
        "sessions_wrong": (
            "Sessions that silver.events gives and the table lacks, or the other way round.",
            sessions_wrong(runtime.settings),
        ),
    }
    for table in GOLD_TABLES:
        name, since = table.name.replace(".", "_"), None
        if table is REALTIME and _count_expired(runtime, table.name):
            since = first_day_of_minutes(runtime.settings.retention, datetime.now(UTC))
        queries[f"{name}_wrong"] = (
            f"Groups in which {table.name} differs from what {table.source} gives.",
            gold_wrong(table, frames[name], since),
        )
    proofs = [
        _require_none(name, help_text, runtime.spark.sql(sql, **frames))
        for name, (help_text, sql) in queries.items()
    ]
    changed = int(runtime.spark.sql(COPIES_WITH_ANOTHER_BODY, **frames).collect()[0][0])
    state = "WARNING" if changed else "HEALTHY"
    text = "Duplicates that say something else than their event: an id used twice."
    return [*proofs, Check("duplicates_with_another_body", state, changed, 0, text)]


def _count_expired(runtime: Runtime, table: str) -> int:
    """Rows that a table has let go of."""
    return read_transactions(runtime.spark, runtime.table(table)).get(EXPIRED, 0)


def _require_none(name: str, help_text: str, result: DataFrame) -> Check:
    value = int(result.collect()[0][0])
    return Check(name, "CRITICAL" if value else "HEALTHY", value, 0, help_text)
