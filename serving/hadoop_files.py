"""Where the lake is not on this machine: its logs' files, through the JVM."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pyspark.sql import SparkSession


class HadoopFiles:
    """Files of any Hadoop file system, through the JVM."""

    def __init__(self, spark: SparkSession) -> None:
        self._jvm: Any = spark._jvm
        self._conf = spark.sparkContext._jsc.hadoopConfiguration()

    def list_names(self, folder: str) -> Iterable[str]:
        system, path = self._locate(folder)
        if not system.exists(path):
            raise FileNotFoundError(folder)
        return [status.getPath().getName() for status in system.listStatus(path)]

    def list_times(self, folder: str) -> Iterable[tuple[str, int]]:
        system, path = self._locate(folder)
        found = system.listStatus(path)
        return [(one.getPath().getName(), int(one.getModificationTime())) for one in found]

    def read_lines(self, path: str) -> Iterable[str]:
        system, located = self._locate(path)
        stream = system.open(located)
        try:
            text: str = self._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8")
        finally:
            stream.close()
        return text.splitlines()

    def fingerprint(self, path: str) -> str | None:
        system, located = self._locate(path)
        if not system.exists(located):
            return None
        status = system.getFileStatus(located)
        return f"{status.getLen()}-{status.getModificationTime()}"

    def _locate(self, uri: str) -> tuple[Any, Any]:
        path = self._jvm.org.apache.hadoop.fs.Path(uri)
        return path.getFileSystem(self._conf), path
