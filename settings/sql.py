"""The settings of `POST /query`, which its process gets too."""

from __future__ import annotations

from pydantic import Field

from settings.section import Seconds, Section, SparkSettings


class SqlSettings(Section):
    """`POST /query`: limits of one statement, and of the process that runs them."""

    timeout_s: Seconds = Field(
        30, description="Longest a statement may run, seconds; then its process is ended."
    )
    max_queued: int = Field(8, ge=0, description="Statements that may wait; one more gets 503.")
    max_length: int = Field(20_000, ge=100, description="Longest statement, characters.")
    max_answer_bytes: int = Field(
        10 * 1024 * 1024,
        ge=1024,
        description="Largest answer; what is more is cut off (truncated).",
    )
    max_scan_bytes: int = Field(
        8 * 1024**3, ge=1024, description="Most that a statement may read of the tables' files."
    )
    max_spill_bytes: int = Field(
        1024**3, ge=1024, description="Largest file that a sort or join may put on disk."
    )
    idle_stop_s: Seconds = Field(
        900, description="Without a statement for so long the process ends, seconds."
    )
    start_timeout_s: Seconds = Field(120, description="How long its start may take, seconds.")
    niceness: int = Field(
        4, ge=0, le=19, description="How far it stands back for the rest (see nice(1))."
    )
    spark: SparkSettings = SparkSettings(master="local[2]", driver_memory="768m")
