"""Query parameters of the metric endpoints: what is allowed, and the defaults.

From the query string to a `Selection`; unknown parameters are refused.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from schemas.event import MAX_IDENTIFIER_LENGTH
from serving.errors import InvalidParameter
from serving.queries import Selection
from serving.ranges import ceil_hour

MAX_DAYS = 400
MAX_ROWS = 10_000
DEFAULT_RANGE = timedelta(days=7)
_YEARS = range(1970, 2101)
_TIME_HELP = (
    "a date (2015-05-17) or an ISO-8601 timestamp (2015-05-17T10:05:03Z; UTC where it names no "
    f"offset), {_YEARS.start} to {_YEARS.stop - 1}"
)
# A `+` that was not escaped in the URL arrives as a space.
_UNESCAPED_OFFSET = re.compile(r" (\d\d:?\d\d)$")


def parse_time(text: object) -> object:
    """A date (its midnight) or an ISO-8601 timestamp, as UTC."""
    if isinstance(text, datetime) or text is None:
        return text
    try:
        time = datetime.fromisoformat(_UNESCAPED_OFFSET.sub(r"+\1", str(text)))
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("time", _TIME_HELP) from None
    if time.year not in _YEARS:
        raise PydanticCustomError("time", _TIME_HELP)
    return time


Time = Annotated[datetime, BeforeValidator(parse_time, json_schema_input_type=str)]
Name = Annotated[str, Field(min_length=1, max_length=MAX_IDENTIFIER_LENGTH)]


class RangeParams(BaseModel):
    """Parameters of every endpoint about a time range."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start: Time | None = Field(None, description=f"Included. {_TIME_HELP}. Default: end - 7 days.")
    end: Time | None = Field(None, description="Excluded. Default: the coming full hour.")
    site_id: Name | None = Field(None, description="One site. Default: all.")
    include_bots: bool = Field(False, description="Count automated traffic too.")
    limit: int = Field(100, ge=1, le=MAX_ROWS, description="Most rows to give.")
    offset: int = Field(0, ge=0, le=10_000_000, description="Rows to leave out first.")

    def select(self, now: datetime) -> Selection:
        """The selection this means at `now`. Raises InvalidParameter."""
        end = self.end or (
            ceil_hour(now) if self.start is None else max(ceil_hour(now), self.start)
        )
        start = self.start or end - DEFAULT_RANGE
        if start > end:
            raise _refuse("start", start, f"not after end ({end.isoformat()})")
        if end - start > timedelta(days=MAX_DAYS):
            raise _refuse("start", start, f"at most {MAX_DAYS} days before end ({end.isoformat()})")
        return Selection(
            start=start,
            end=end,
            limit=self.limit,
            offset=self.offset,
            include_bots=self.include_bots,
            interval=getattr(self, "interval", None),
            filters=self._filters(),
        )

    def _filters(self) -> dict[str, str]:
        return {"site_id": self.site_id} if self.site_id is not None else {}


class CommonParams(RangeParams):
    """Parameters of every metric endpoint; the fields of a subclass are its filters."""

    interval: Literal["hour", "day", "week", "month"] | None = Field(
        None, description="One row per interval (UTC), named by its start in `bucket`."
    )

    def _filters(self) -> dict[str, str]:
        named = type(self).model_fields.keys() - CommonParams.model_fields.keys()
        values = {name: getattr(self, name) for name in sorted({"site_id", *named})}
        return {name: value for name, value in values.items() if value is not None}


class PagesParams(CommonParams):
    """Filters that both events and sessions have; where a session came from is not among them."""

    page_path: Annotated[str, Field(min_length=1, max_length=8192)] | None = Field(
        None, description="One page, as sent."
    )
    device_type: Name | None = Field(None, description="One class of device.")
    country: Name | None = Field(None, description="One country.")


class SessionsParams(CommonParams):
    """Everything that is known of a session."""

    device_type: Name | None = Field(None, description="One class of device.")
    country: Name | None = Field(None, description="One country.")
    channel: Name | None = Field(None, description="One channel group.")
    source: Annotated[str, Field(min_length=1, max_length=8192)] | None = Field(
        None, description="One source; `(direct)` where there was none."
    )
    medium: Annotated[str, Field(min_length=1, max_length=8192)] | None = Field(
        None, description="One medium."
    )
    campaign: Annotated[str, Field(min_length=1, max_length=8192)] | None = Field(
        None, description="One campaign."
    )


def _refuse(parameter: str, given: datetime, allowed: str) -> InvalidParameter:
    shown = given.isoformat()
    detail = {"parameter": parameter, "given": shown, "allowed": allowed}
    return InvalidParameter(f"{parameter}: given {shown!r}, allowed: {allowed}", [detail])
