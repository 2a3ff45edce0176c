"""Query parameters of what is asked about people; unknown ones are refused, as everywhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from serving.journeys.attribution import Model, Origin
from serving.journeys.conditions import Period, floor_period
from serving.journeys.definitions import DAY_S
from serving.journeys.funnels import Breakdown
from serving.param_types import Name
from serving.params import MAX_DAYS, MAX_ROWS, RangeParams
from serving.selection import Interval, Selection

_Page = Annotated[str, Field(min_length=1, max_length=8192)]


def _split(text: object) -> object:
    """`a,b` as a list, as the `x=a&x=b` that clients may send as well; each once."""
    given = [text] if isinstance(text, str) else text
    if isinstance(given, list | tuple):
        return list(dict.fromkeys(part for one in given for part in str(one).split(",")))
    return given


class EventParams(RangeParams):
    """Filters that every event can be asked for; each event of a journey must meet them."""

    filter_names: ClassVar[tuple[str, ...]] = ("device_type", "country")

    device_type: Name | None = Field(None, description="One class of device.")
    country: Name | None = Field(None, description="One country.")


class FunnelParams(EventParams):
    breakdown: Breakdown | None = Field(
        None, description="Once per value of this column, of a visitor's first event of step 1."
    )


class PathParams(EventParams):
    page_path: _Page | None = Field(None, description="The page to start from. Default: all.")


class UsersParams(RangeParams):
    interval: Interval | None = Field(
        None, description="One row per interval (UTC), named by its start in `bucket`."
    )


class PeriodParams(RangeParams):
    """Periods are whole: a range that begins within one is answered from this one's start."""

    interval: Period = Field("day", description="UTC day, ISO week or calendar month.")
    # A triangle of cohorts that ends somewhere in the middle is of no use.
    limit: int = Field(MAX_ROWS, ge=1, le=MAX_ROWS, description="Most rows to give.")

    def select(self, now: datetime) -> Selection:
        selection = super().select(now)
        if selection.start == selection.end:
            return selection
        return replace(selection, start=floor_period(selection.start, self.interval))


class AttributionParams(RangeParams):
    model: Model = Field(
        "last",
        description="Who gets the credit: the first touch, the last, all alike (linear), or 40 % "
        "the first, 40 % the last and 20 % those between (position).",
    )
    window_s: float = Field(
        30 * DAY_S,
        ge=0,
        le=MAX_DAYS * DAY_S,
        allow_inf_nan=False,
        description="How long before a conversion's session a touch may lie, s; default 30 days.",
    )
    group_by: Annotated[tuple[Origin, ...], BeforeValidator(_split)] = Field(
        ("channel", "source", "medium"),
        min_length=1,
        description="Columns to tell apart, by commas: channel, source, medium, campaign.",
    )
    include_direct: bool = Field(
        False, description="Give credit to direct sessions too, not only where all are direct."
    )


class ProfileParams(RangeParams):
    """The range is that of the journey; lifetime metrics are over everything."""

    limit: int = Field(20, ge=1, le=200, description="Most sessions of the journey, the latest.")

    def select(self, now: datetime) -> Selection:
        selection = super().select(now)
        if self.start is None:
            return replace(selection, start=selection.end - timedelta(days=MAX_DAYS))
        return selection
