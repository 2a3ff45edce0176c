"""What the blocks of the settings are made of, and the one block that occurs several times."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Section(BaseModel):
    """One block of the settings: immutable, and closed to keys that nobody declared."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class SparkSettings(Section):
    master: str | None = Field(None, description="Spark master; none: what spark-submit says.")
    driver_memory: str = Field("2g", description="Driver heap, where this process starts the JVM.")
    packages: bool = Field(
        True, description="Add the Delta and Kafka jars; false where the cluster has them."
    )
    conf: dict[str, str] = Field(default_factory=dict, description="Further Spark properties.")
