"""Fetches the jars that no Python package brings: Spark's connectors, and a Kafka broker.

From Maven Central, through the Ivy that lies among pyspark's own jars, to one folder per set in the
cache; with Spark's goes the one class of our own. A folder is whole or it is not there: filled
aside, renamed, checked against its manifest.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pyspark

from embedded.cache import cache_dir, hold_lock
from embedded.compile import JAVA_SOURCES, compile_jar
from embedded.errors import StackError
from embedded.ivy import Dependency, retrieve_jars, write_ivy_file
from embedded.progress import say

KAFKA_VERSION = "4.1.1"
LOCAL_FILES_VERSION = "0.1.0"
LOG_STORE = JAVA_SOURCES / "LazyLocalLogStore.java"
LOG_STORE_JAR = "web-analytics-log-store.jar"
_MANIFEST = "manifest.json"


def spark_packages() -> tuple[Dependency, ...]:
    """The connectors, in the versions that belong to the installed pyspark and delta-spark."""
    spark = pyspark.__version__
    delta = f"delta-spark_{'.'.join(spark.split('.')[:2])}_2.13"
    return (
        Dependency("io.delta", delta, version("delta-spark")),
        Dependency("org.apache.spark", "spark-sql-kafka-0-10_2.13", spark),
        Dependency("com.globalmentor", "hadoop-bare-naked-local-fs", LOCAL_FILES_VERSION),
    )


def spark_jars() -> list[Path]:
    """Delta, the Kafka connector and our log store, without anything that Spark ships itself."""
    shipped = {re.sub(r"-\d.*$", "", jar.stem) for jar in spark_jar_dir().glob("*.jar")}
    ivy_file = write_ivy_file(spark_packages(), frozenset(shipped))
    return _provide("spark", ivy_file, _add_log_store, LOG_STORE.read_text())


def kafka_jars() -> list[Path]:
    """A Kafka broker, with the binding that lets its log be seen."""
    dependencies = (
        Dependency("org.apache.kafka", "kafka_2.13", KAFKA_VERSION),
        Dependency("org.apache.logging.log4j", "log4j-slf4j-impl", "2.24.3"),
    )
    return _provide("kafka", write_ivy_file(dependencies, frozenset()))


def spark_jar_dir() -> Path:
    """Where pyspark keeps the jars it ships."""
    return Path(pyspark.__file__).parent / "jars"


def _add_log_store(folder: Path) -> None:
    libraries = [*spark_jar_dir().glob("hadoop-client-api-*.jar"), *folder.glob("*.jar")]
    compile_jar(LOG_STORE, folder / LOG_STORE_JAR, libraries, spark_jar_dir())


def _provide(
    name: str, ivy_file: str, complete: Callable[[Path], None] = lambda _: None, source: str = ""
) -> list[Path]:
    """The jars of one set from the cache, fetched first if they are not there whole.

    complete: adds to what was fetched what is made from `source`.
    """
    # The name carries what was asked for, so another version never meets this one's jars.
    key = hashlib.sha256((ivy_file + source).encode()).hexdigest()[:12]
    folder = cache_dir() / "jars" / f"{name}-{key}"
    if not _is_intact(folder):
        wait = f"waiting for another process that is fetching the {name} jars"
        with hold_lock(folder.with_suffix(".lock"), lambda: say(wait)):
            if not _is_intact(folder):
                _fetch(name, ivy_file, folder, complete)
    return sorted(folder.glob("*.jar"))


def _fetch(name: str, ivy_file: str, folder: Path, complete: Callable[[Path], None]) -> None:
    draft = folder.with_suffix(".part")
    for leftover in (draft, folder):  # of a fetch that was interrupted, or damaged since
        shutil.rmtree(leftover, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        retrieve_jars(name, ivy_file, draft, spark_jar_dir())
        complete(draft)
        (draft / _MANIFEST).write_text(json.dumps(_list_jars(draft), indent=1))
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _list_jars(folder: Path) -> list[dict[str, str | int]]:
    jars = sorted(folder.glob("*.jar"))
    if not jars:
        raise StackError(f"the download into {folder} brought no jar. Start again.")
    return [
        {
            "name": jar.name,
            "size": jar.stat().st_size,
            "sha256": hashlib.sha256(jar.read_bytes()).hexdigest(),
        }
        for jar in jars
    ]


def _is_intact(folder: Path) -> bool:
    """Whether every jar is there, byte for byte as it was fetched, and none besides."""
    try:
        manifest = json.loads((folder / _MANIFEST).read_text())
    except (OSError, ValueError):
        return False
    return bool(any(folder.glob("*.jar")) and manifest == _list_jars(folder))
