"""Options of every JVM that is a Spark driver: the streaming app, the API and its pool for SQL."""

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
