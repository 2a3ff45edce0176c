"""The settings of `web-analytics maintain`: how long what is kept."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from pydantic import Field

from settings.section import Section


class RetentionSettings(Section):
    """Applied by `web-analytics maintain`; `history_hours` to the logs by the running app too."""

    history_hours: float = Field(
        24,
        ge=1,
        allow_inf_nan=False,
        description="How far back `as_of` reaches, hours; at least 1. So long stay the commits in "
        "a table's log, and files that it no longer uses, also for readers and flows that are not "
        "yet done with them. Every batch lists the logs: 24 hours are up to 40,000 commits.",
    )
    realtime_hours: int = Field(
        48, ge=24, description="How long gold.realtime has minutes, hours; whole UTC days go."
    )
    bronze_days: int | None = Field(
        None,
        ge=2,
        description="How long records are kept as they came, in bronze.events and "
        "bronze.dead_letters, days; none: for ever.",
    )


def first_day_of_minutes(retention: RetentionSettings, now: datetime) -> date:
    """The first UTC day that `gold.realtime` keeps."""
    return (now - timedelta(hours=retention.realtime_hours)).date()
