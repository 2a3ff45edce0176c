"""Files and bytes of each table of a local lake: data and log apart, and what an event takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deltalake import DeltaTable


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


def measure_layers(lake: Path) -> dict[str, int]:
    """Bytes of the files that are part of the tables now, by layer: what they take when what was
    compacted is gone."""
    found: dict[str, int] = {}
    for log in sorted(lake.glob("*/*/_delta_log")):
        files = DeltaTable(log.parent).get_add_actions()
        layer = log.parent.parent.name
        found[layer] = found.get(layer, 0) + sum(files["size_bytes"].to_pylist())
    return found
