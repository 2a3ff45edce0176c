"""What every JVM that is a Spark driver has: the streaming app, the API and its pool for SQL."""

from __future__ import annotations

# One collector thread: the cores are for the rows.
_COLLECTOR = "-XX:+UseSerialGC"
# Spark and Delta are so much code that the second compiler works for many minutes, on one of two
# cores, at methods that hardly come again. Five times the calls that it usually waits for: what is
# hot gets there all the same, and the first 200,000 events cost a sixth less (docs/performance.md).
_COMPILER = (
    "-XX:Tier4InvocationThreshold=25000 -XX:Tier4MinInvocationThreshold=3000 "
    "-XX:Tier4CompileThreshold=75000 -XX:Tier4BackEdgeThreshold=200000"
)
DRIVER_OPTIONS = f"-Duser.timezone=UTC {_COLLECTOR} {_COMPILER}"
# The API's queries are small and always the same code: planning them is a sixth quicker once the
# second compiler has been through it.
READER_OPTIONS = f"-Duser.timezone=UTC {_COLLECTOR}"
# Our own class among the jars (embedded/java_sources): Delta's way to list a log on a local disk
# takes 20 us for each file that was ever committed, several times a batch (docs/adr/0012).
LOCAL_LOG_STORE = "webanalytics.LazyLocalLogStore"
