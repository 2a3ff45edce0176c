"""The read-only Spark session of the API, tuned for many small queries.

From the settings to a `SparkSession`; the reasons stand beside the properties.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from pyspark.sql import SparkSession

from embedded.jars import spark_jars
from embedded.java import java_home
from settings.jvm import LOCAL_LOG_STORE, READER_OPTIONS
from settings.section import SparkSettings

STATIC_PROPERTIES = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.driver.extraJavaOptions": READER_OPTIONS,
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # Queries at once share the cores instead of waiting for each other.
    "spark.scheduler.mode": "FAIR",
}
# Where all of Spark is in this process.
LOCAL_PROPERTIES = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    # A machine that slept is no lost executor: Spark would stop working without one.
    "spark.storage.blockManagerHeartbeatTimeoutMs": "10d",
}
QUERY_PROPERTIES = {
    "spark.sql.session.timeZone": "UTC",
    # Small queries: compiling code and planning again cost more than the rows (DESIGN section 3).
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    # Interpreted, looking for what comes twice costs more than it saves (docs/adr/0013).
    "spark.sql.subexpressionElimination.enabled": "false",
    # For its own pages, which are off, Spark renders every plan.
    "spark.sql.ui.explainMode": "simple",
    "spark.databricks.delta.snapshotPartitions": "1",
    # Gold has many small files between compactions: several to a task.
    "spark.sql.files.openCostInBytes": "65536",
    # Sketch aggregates stay hash aggregates with this many groups, then sort.
    "spark.sql.objectHashAggregate.sortBased.fallbackThreshold": "2048",
    # Delta's parser drops bound parameters since Spark 4.1 (delta-io/delta#7640); this binds them
    # in the analyser instead.
    "spark.sql.legacy.parameterSubstitution.constantsOnly": "true",
    # How far back may be asked is said by `history.json` and by what is there (docs/adr/0010), and
    # not by the age of a version.
    "spark.databricks.delta.vacuum.enforceTimeTravelWithinDeletedFileRetentionDuration": "false",
    # No statement names a file; the reader hands it its tables.
    "spark.sql.runSQLOnFiles": "false",
}


def start_session(settings: SparkSettings) -> SparkSession:
    """Start Spark in this process, with a Java and the jars found or fetched. Raises StackError."""
    os.environ["JAVA_HOME"] = str(java_home())
    jars = spark_jars() if settings.packages else []
    builder = SparkSession.Builder().appName("web-analytics-serving")
    if settings.master:
        builder = builder.master(settings.master)
        builder = builder.config("spark.driver.memory", settings.driver_memory)
        if settings.master.startswith("local"):
            for key, value in LOCAL_PROPERTIES.items():
                builder = builder.config(key, value)
    if jars:
        builder = builder.config("spark.jars", ",".join(str(jar) for jar in jars))
        builder = builder.config("spark.delta.logStore.file.impl", LOCAL_LOG_STORE)
    for key, value in {**STATIC_PROPERTIES, **settings.conf}.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return tune_session(spark, settings.conf)


def tune_session(spark: SparkSession, conf: Mapping[str, str]) -> SparkSession:
    """Set what makes small queries quick and safe, except for what `conf` says."""
    for key, value in QUERY_PROPERTIES.items():
        if key not in conf:
            spark.conf.set(key, value)
    return spark
