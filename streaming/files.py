"""Small text files under the lake and checkpoint roots, on any Hadoop file system.

`file:` URIs are read directly, so that a command can look at a local lake without starting Spark;
all others go through Hadoop's FileSystem of the active Spark session.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def read_text(uri: str) -> str | None:
    """The file's text, None where there is no such file."""
    local = local_path(uri)
    if local is not None:
        try:
            return local.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
    system, path, jvm = _hadoop(uri)
    if not system.exists(path):
        return None
    stream = system.open(path)
    try:
        return str(jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8"))
    finally:
        stream.close()


def write_text(uri: str, text: str) -> None:
    """Replace the file's text in one step: a reader sees the old or the new, never a part."""
    local = local_path(uri)
    if local is not None:
        local.parent.mkdir(parents=True, exist_ok=True)
        temporary = local.with_name(f".{local.name}.{os.getpid()}.tmp")
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(local)
        return
    system, target, jvm = _hadoop(uri)
    system.mkdirs(target.getParent())
    manager = jvm.org.apache.spark.sql.execution.streaming.checkpointing.CheckpointFileManager
    configuration = _session()._jsc.hadoopConfiguration()
    stream = manager.create(target.getParent(), configuration).createAtomic(target, True)
    stream.write(bytearray(text, "utf-8"))
    stream.close()


def delete_file(uri: str) -> None:
    """Delete the file, if there is one."""
    local = local_path(uri)
    if local is not None:
        local.unlink(missing_ok=True)
        return
    system, path, _ = _hadoop(uri)
    system.delete(path, False)


def find_modified_at(uri: str) -> datetime | None:
    """When the file was last written, None where there is no such file."""
    local = local_path(uri)
    if local is not None:
        try:
            return datetime.fromtimestamp(local.stat().st_mtime, UTC)
        except FileNotFoundError:
            return None
    system, path, _ = _hadoop(uri)
    if not system.exists(path):
        return None
    return datetime.fromtimestamp(system.getFileStatus(path).getModificationTime() / 1000, UTC)


def is_file(uri: str) -> bool:
    """Whether there is such a file."""
    local = local_path(uri)
    if local is not None:
        return local.is_file()
    system, path, _ = _hadoop(uri)
    return bool(system.exists(path))


def list_names(uri: str) -> list[str]:
    """Names of the folder's entries, sorted; empty where there is no such folder."""
    local = local_path(uri)
    if local is not None:
        return sorted(entry.name for entry in local.iterdir()) if local.is_dir() else []
    system, path, _ = _hadoop(uri)
    if not system.exists(path):
        return []
    return sorted(str(status.getPath().getName()) for status in system.listStatus(path))


def local_path(uri: str) -> Path | None:
    """The path a `file:` URI or a plain path means; None for every other file system."""
    if uri.startswith("file:"):
        return Path("/" + uri.removeprefix("file:").lstrip("/"))
    return Path(uri) if "://" not in uri else None


def _session() -> Any:
    from pyspark.sql import SparkSession  # only where the file system is not the local one

    session = SparkSession.getActiveSession()
    if session is None:
        raise RuntimeError("a Spark session is needed for a file system that is not local")
    return session.sparkContext


def _hadoop(uri: str) -> tuple[Any, Any, Any]:
    context = _session()
    jvm = context._jvm
    path = jvm.org.apache.hadoop.fs.Path(uri)
    return path.getFileSystem(context._jsc.hadoopConfiguration()), path, jvm
