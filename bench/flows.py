"""What each flow did, read from outside: its checkpoint's files, and how far it is behind.

Spark writes `offsets/N` when it has planned batch N and `commits/N` when that batch is done, so the
files' times are the batch's own; nothing in the product needs to report for the bench.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlparse

from settings.load import load_settings
from settings.model import Settings
from streaming.progress import count_behind, count_kafka


def read_settings(data_dir: Path, bootstrap_servers: str) -> Settings:
    """The settings of a running stack, as far as reading its progress needs them."""
    return load_settings(data_dir=str(data_dir), kafka={"bootstrap_servers": bootstrap_servers})


def count_done(settings: Settings, records: int) -> tuple[bool, float]:
    """Whether every flow has worked through so many records, and the share of their work done."""
    ends = count_kafka(settings)
    behind = count_behind(settings, ends)
    has_all = sum(ends.values()) >= records
    left = sum(min(rows, records) for rows in behind.values()) / (len(behind) * records)
    return has_all and not any(behind.values()), 1 - left


def measure_busy(checkpoints: str, flow: str, since: float) -> float:
    """Seconds that a flow spent in batches which it planned after `since` (a Unix time)."""
    folder = Path(unquote(urlparse(checkpoints).path)) / flow
    busy_s = 0.0
    for planned in (folder / "offsets").iterdir():
        done = folder / "commits" / planned.name
        if planned.name.isdigit() and done.exists() and planned.stat().st_mtime >= since:
            busy_s += done.stat().st_mtime - planned.stat().st_mtime
    return busy_s
