"""The lake for notebooks: every table by its name, and the product's own statements, read only.

From the settings (`WEB_ANALYTICS_DATA_DIR`, else `data/` beside the code) to a `Lake` over one
state of the tables. Nothing is declared here: metrics and journeys are those of the API.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from schemas import bronze, silver
from schemas.gold import GOLD_TABLES
from schemas.table import GoldTable, Table
from serving.gold_reader import GoldReader, States
from serving.queries import Statement, view_name
from serving.session import start_session, tune_session
from settings.load import CONF_DIR, SettingsError, lake_root, load_settings
from settings.model import Settings

TABLES: tuple[Table | GoldTable, ...] = (
    bronze.EVENTS,
    bronze.DEAD_LETTERS,
    silver.EVENTS,
    silver.DUPLICATES,
    silver.SESSIONS,
    *GOLD_TABLES,
)


@dataclass(frozen=True)
class Lake:
    """A lake as it was when it was opened."""

    spark: SparkSession
    settings: Settings
    root: str
    reader: GoldReader
    states: States

    def read(self, name: str) -> DataFrame:
        """A table, by its name (`silver.events`). What has been read by version stays that."""
        if state := self.states.get(name):
            frame: DataFrame = self.reader.open_table(name, state)
            return frame
        return self.spark.read.format("delta").load(f"{self.root}/{name.replace('.', '/')}")

    def sql(self, text: str) -> DataFrame:
        """SQL in which `{silver_events}` is the table silver.events."""
        views = {view_name(table.name): table.name for table in TABLES}
        named: dict[str, Any] = {
            view: self.read(name) for view, name in views.items() if f"{{{view}}}" in text
        }
        return self.spark.sql(text, **named)

    def ask(self, statement: Statement) -> list[dict[str, Any]]:
        """The rows of a statement of the API (`serving/queries.py`, `serving/journeys`)."""
        rows = self.reader.run(statement, self.states, "notebook")
        return [dict(zip(statement.columns, row, strict=True)) for row in rows]


def open_lake() -> Lake:
    """The lake of the settings. Raises SettingsError where there is none.

    Spark is started unless this process has a session already (as in the test that runs the
    notebooks); that one is then used, through a session of its own.
    """
    settings = load_settings()
    # A notebook runs in its own folder; people mean the folder of the project.
    data_dir = CONF_DIR.parent / Path(settings.data_dir).expanduser()
    settings = settings.model_copy(update={"data_dir": str(data_dir)})
    root = lake_root(settings)
    spark = _find_session(settings)
    reader = GoldReader(spark, root)
    states = reader.read_states()
    if not states:
        raise SettingsError(
            f"no lake at {root}. Name the data folder of `web-analytics up` with "
            "WEB_ANALYTICS_DATA_DIR."
        )
    return Lake(spark, settings, root, reader, states)


def _find_session(settings: Settings) -> SparkSession:
    if active := SparkSession.getActiveSession():
        return tune_session(active.newSession(), {})
    return start_session(settings.serving.spark)
