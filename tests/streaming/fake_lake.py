"""Lakes and checkpoints made by hand, as Spark and Delta write them, without either."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from settings.load import load_settings
from settings.model import Settings

TOPIC = "events"
_SCHEMA = {
    "type": "struct",
    "fields": [{"name": "at", "type": "timestamp", "nullable": True, "metadata": {}}],
}
_CREATE: list[dict[str, Any]] = [
    {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
    {
        "metaData": {
            "id": "00000000-0000-0000-0000-000000000001",
            "format": {"provider": "parquet", "options": {}},
            "schemaString": json.dumps(_SCHEMA),
            "partitionColumns": [],
            "configuration": {},
            "createdTime": 0,
        }
    },
]


def make_settings(data_dir: Path) -> Settings:
    """Settings of a lake in this folder."""
    return load_settings(data_dir=str(data_dir), kafka={"topic": TOPIC})


def add(rows: int | None, *, data_change: bool = True, at: str | None = None) -> dict[str, Any]:
    """An action that adds a file; rows=None: without statistics."""
    _NUMBER[0] += 1
    action: dict[str, Any] = {
        "path": f"part-{_NUMBER[0]:05}.parquet",
        "partitionValues": {},
        "size": 1,
        "modificationTime": 0,
        "dataChange": data_change,
    }
    if rows is not None:
        bounds = {"minValues": {"at": at}, "maxValues": {"at": at}} if at else {}
        action["stats"] = json.dumps({"numRecords": rows, **bounds})
    return {"add": action}


def remove(added: dict[str, Any], *, data_change: bool = True) -> dict[str, Any]:
    """The action that takes out a file which `add` put in."""
    kept = {name: added["add"][name] for name in ("path", "partitionValues", "size", "stats")}
    return {"remove": {**kept, "deletionTimestamp": 1, "dataChange": data_change}}


def change_file() -> dict[str, Any]:
    """An action that adds a file of the change feed."""
    return {
        "cdc": {"path": "_change_data/c", "partitionValues": {}, "size": 1, "dataChange": False}
    }


def merged(inserted: int, updated: int, deleted: int) -> dict[str, Any]:
    """What a merge says of itself."""
    metrics = {
        "numTargetRowsInserted": str(inserted),
        "numTargetRowsUpdated": str(updated),
        "numTargetRowsDeleted": str(deleted),
        "numTargetRowsCopied": "1000",
    }
    return {"commitInfo": {"operation": "MERGE", "operationMetrics": metrics}}


def write_table(folder: Path, *commits: list[dict[str, Any]]) -> str:
    """A Delta table: version 0 creates it, then one version for each list of actions."""
    log = folder / "_delta_log"
    log.mkdir(parents=True)
    for version, actions in enumerate([_CREATE, *commits]):
        lines = "\n".join(json.dumps(action) for action in actions)
        (log / f"{version:020}.json").write_text(lines)
    return f"file:{folder}"


def delta_offset(version: int, index: int = -1) -> dict[str, Any]:
    """The end offset of Spark's Delta source."""
    return {
        "sourceVersion": 1,
        "reservoirId": "x",
        "reservoirVersion": version,
        "index": index,
        "isStartingVersion": False,
    }


def plan_batch(
    checkpoint: Path, batch_id: int, *ends: dict[str, Any], watermark_ms: int = 0
) -> None:
    """A batch that Spark has planned: its end offsets."""
    folder = checkpoint / "offsets"
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["v1", json.dumps({"batchWatermarkMs": watermark_ms}), *map(json.dumps, ends)]
    (folder / str(batch_id)).write_text("\n".join(lines))


def commit_batch(checkpoint: Path, batch_id: int, *, next_watermark_ms: int = 0) -> None:
    """A batch that Spark has finished."""
    folder = checkpoint / "commits"
    folder.mkdir(parents=True, exist_ok=True)
    content = {"nextBatchWatermarkMs": next_watermark_ms}
    (folder / str(batch_id)).write_text(f"v1\n{json.dumps(content)}")


def finish_batch(checkpoint: Path, batch_id: int, *ends: dict[str, Any]) -> None:
    """A batch that is planned and finished, with a watermark that stands still."""
    plan_batch(checkpoint, batch_id, *ends)
    commit_batch(checkpoint, batch_id)


_NUMBER = [0]
