"""`web-analytics maintain`: every step, table by table, and what it did.

From the settings and the tables to a `Report`. No step changes an answer, each is one commit or can
be repeated, so whatever cuts it off, the next run goes on. The flows go on meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import structlog

from schemas.gold import GOLD_TABLES
from schemas.table import GoldTable, Table
from streaming.maintenance.compact import compact_table
from streaming.maintenance.expire import expire_minutes, expire_records
from streaming.maintenance.files import MAINTAIN_SIZES, list_files, open_session
from streaming.maintenance.fold import fold_table
from streaming.maintenance.vacuum import vacuum_table
from streaming.runtime import Runtime
from streaming.sinks import TABLES

log = structlog.get_logger(__name__)

Say = Callable[[str], None]

ALL_TABLES: tuple[Table | GoldTable, ...] = (*GOLD_TABLES, *TABLES)


@dataclass
class Done:
    """What was done to one table, or would be.

    folded: partials that went into others; compacted: files that did; expired: rows let go;
    deleted: files of old versions. notes: what was left alone, and why.
    """

    table: str
    files_before: int = 0
    files_after: int = 0
    folded: int = 0
    compacted: int = 0
    expired: int = 0
    deleted: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    """The answer of `maintain --json`."""

    is_dry_run: bool
    at: str
    tables: list[Done]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def maintain(
    runtime: Runtime,
    *,
    is_dry_run: bool,
    say: Say,
    tables: tuple[Table | GoldTable, ...] = ALL_TABLES,
) -> Report:
    """Maintain the tables; `is_dry_run`: only say what would be done."""
    now = datetime.now(UTC)
    # The sessions of the flows have settings of their own, which must stay as they are.
    runtime = open_session(runtime)
    done = [_maintain_table(runtime, table, now, is_dry_run, say) for table in tables]
    return Report(is_dry_run, now.isoformat(), done)


def _maintain_table(
    runtime: Runtime, table: Table | GoldTable, now: datetime, is_dry_run: bool, say: Say
) -> Done:
    say(f"maintaining {table.name}")
    done = Done(table.name, files_before=len(list_files(runtime, table.name)))
    if isinstance(table, GoldTable):
        done.expired = expire_minutes(runtime, table, now, is_dry_run=is_dry_run)
        done.folded = fold_table(runtime, table, now, is_dry_run=is_dry_run)
    else:
        done.expired, note = expire_records(runtime, table, now, is_dry_run=is_dry_run)
        done.notes += note
    done.compacted = compact_table(runtime, table.name, MAINTAIN_SIZES, is_dry_run=is_dry_run)
    done.deleted, note = vacuum_table(runtime, table.name, is_dry_run=is_dry_run)
    done.notes += note
    done.files_after = len(list_files(runtime, table.name))
    log.info("maintained", **asdict(done))
    return done
