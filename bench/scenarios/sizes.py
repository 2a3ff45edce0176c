"""Files and bytes of each table of a local lake: data and log apart."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Size:
    """Of one table: files and bytes of its data, files and bytes of its log."""

    files: int
    bytes: int
    log_files: int
    log_bytes: int


def measure_tables(lake: Path) -> dict[str, Size]:
    """By table, `layer.table`; files that no version names any more are counted too."""
    found = {}
    for log in sorted(lake.glob("*/*/_delta_log")):
        table = log.parent
        in_log = [file.stat().st_size for file in log.rglob("*") if file.is_file()]
        everything = [file.stat().st_size for file in table.rglob("*") if file.is_file()]
        found[f"{table.parent.name}.{table.name}"] = Size(
            len(everything) - len(in_log), sum(everything) - sum(in_log), len(in_log), sum(in_log)
        )
    return found


def add_up(sizes: dict[str, Size]) -> Size:
    """All tables together."""
    return Size(
        *(
            sum(getattr(size, name) for size in sizes.values())
            for name in ("files", "bytes", "log_files", "log_bytes")
        )
    )
