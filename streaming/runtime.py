"""Where things are: the Spark session, the settings, and the URIs of tables and checkpoints."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from settings.load import checkpoint_root, lake_root
from settings.model import Settings

if TYPE_CHECKING:
    # `web-analytics status` finds tables without the second that this import takes.
    from pyspark.sql import SparkSession

    from streaming.rules import RuleBook


@dataclass(frozen=True)
class Runtime:
    """What every flow needs to read and write."""

    spark: SparkSession
    settings: Settings
    rules: RuleBook = field(default=None)  # type: ignore[assignment]  # made below
    is_stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        if self.rules is None:
            from streaming.rules import RuleBook

            object.__setattr__(self, "rules", RuleBook(self.settings))

    def table(self, name: str) -> str:
        """URI of a table named `layer.table`."""
        return table_uri(self.settings, name)

    def checkpoint(self, flow: str) -> str:
        """URI of a flow's checkpoint."""
        return checkpoint_uri(self.settings, flow)


def table_uri(settings: Settings, name: str) -> str:
    # `file:/x` is how Hadoop itself writes it, and Delta compares locations as text.
    root = lake_root(settings).replace("file:///", "file:/", 1)
    return f"{root}/{name.replace('.', '/')}"


def checkpoint_uri(settings: Settings, flow: str) -> str:
    return f"{checkpoint_root(settings)}/{flow}"
