"""Names for DataFrames, so that a statement can read them: temporary views, each made once.

PySpark would make one for each statement and drop it again, which takes milliseconds each time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from itertools import count

from pyspark.sql import DataFrame, SparkSession

# More than any number of statements can be about to be analysed at once.
_MOST_VIEWS = 256
_NUMBERS = count()


class Views:
    """The views of one session. Thread-safe."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark
        self._lock = threading.Lock()
        # By the frame's identity, which is its own while it is kept here.
        self._views: OrderedDict[int, tuple[str, DataFrame]] = OrderedDict()

    def name(self, frame: DataFrame) -> str:
        """The view of a frame; it stays until many others have been asked for."""
        with self._lock:
            if id(frame) not in self._views:
                name = f"view_{next(_NUMBERS)}"
                frame.createOrReplaceTempView(name)
                self._views[id(frame)] = name, frame
                if len(self._views) > _MOST_VIEWS:
                    _, (oldest, _) = self._views.popitem(last=False)
                    self._spark.catalog.dropTempView(oldest)
            self._views.move_to_end(id(frame))
            return self._views[id(frame)][0]
