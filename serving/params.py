"""Query parameters of the metric endpoints: what is allowed, and the defaults.

From an endpoint's declaration to a model of its parameters, and from the query string to a
`Selection`; unknown parameters are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model
from pydantic_core import PydanticCustomError

from serving.endpoint import Endpoint
from serving.errors import InvalidParameter
from serving.param_types import (
    TIME_HELP,
    VERSIONS_HELP,
    Name,
    Text,
    Time,
    parse_zone,
    split_versions,
)
from serving.past import Past
from serving.ranges import STEPS, ceil_time
from serving.selection import Interval, Selection
from serving.zones import place_time, shift_back

MAX_DAYS = 400
MAX_ROWS = 10_000
DEFAULT_RANGE = timedelta(days=7)
REALTIME_RANGE = 30 * STEPS["minute"]

# Every filter, by the dimension it selects by.
FILTERS: dict[str, tuple[Any, str]] = {
    "page_path": (Text, "One page, as sent."),
    "event_name": (Name, "One name of events."),
    "device_type": (Name, "One class of device."),
    "country": (Name, "One country."),
    "channel": (Name, "One channel group."),
    "source": (Text, "One source; `(direct)` where there was none."),
    "medium": (Text, "One medium."),
    "campaign": (Text, "One campaign."),
}


class MetricParams(BaseModel):
    """Parameters of every metric endpoint."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # The parameters that are filters: rows must have this value in the dimension of this name.
    filter_names: ClassVar[tuple[str, ...]] = ()

    site_id: Name | None = Field(None, description="One site. Default: all that the key may see.")
    include_bots: bool = Field(False, description="Count automated traffic too.")
    format: Literal["json", "csv"] | None = Field(
        None, description="Form of the answer; also by `Accept: text/csv`. Default: json."
    )
    as_of: Time | None = Field(
        None,
        description="Answer as it would have been given then: every table at its newest version "
        "committed at or before this time, and defaults counted from it. Default: now.",
    )
    versions: Annotated[tuple[str, ...] | None, BeforeValidator(split_versions)] = Field(
        None,
        description=f"Tables to read at a version, as `meta.versions` of an answer has them: "
        f"{VERSIONS_HELP}. All that the answer reads, or `as_of` for the others.",
    )

    @property
    def past(self) -> Past | None:
        """What of the past is asked for; None: the present."""
        if self.as_of is None and self.versions is None:
            return None
        as_of = place_time(self.as_of, getattr(self, "timezone", None)) if self.as_of else None
        pairs = (text.split(":") for text in self.versions or ())
        return Past(as_of, {table: int(version) for table, version in pairs})

    def select(self, now: datetime) -> Selection:
        """The selection this means at `now`. Raises InvalidParameter."""
        raise NotImplementedError

    def _filters(self) -> dict[str, str]:
        values = {name: getattr(self, name) for name in ("site_id", *self.filter_names)}
        return {name: value for name, value in values.items() if value is not None}


class RangeParams(MetricParams):
    """Parameters of the endpoints that are asked for a range."""

    start: Time | None = Field(None, description=f"Included. {TIME_HELP}. Default: end - 7 days.")
    end: Time | None = Field(None, description="Excluded. Default: the coming full hour.")
    limit: int = Field(100, ge=1, le=MAX_ROWS, description="Most rows to give.")
    offset: int = Field(0, ge=0, le=10_000_000, description="Rows to leave out first.")

    def select(self, now: datetime) -> Selection:
        timezone = getattr(self, "timezone", None)
        start, end = (
            place_time(time, timezone) if time else None for time in (self.start, self.end)
        )
        end = end or max(ceil_time(now), start or now)
        start = start or end - DEFAULT_RANGE
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
            group_by=getattr(self, "group_by", None),
        )


class CommonParams(RangeParams):
    """Parameters of the endpoints over declared metrics."""

    interval: Interval | None = Field(
        None, description="One row per interval of `timezone`, named by its start in `bucket`."
    )
    timezone: Annotated[str | None, BeforeValidator(parse_zone)] = Field(
        None,
        description="IANA name. Days, weeks and months of `interval` are this zone's, and so are "
        "times without an offset. Default: the site's (setting `timezones`), else UTC.",
    )
    compare: Literal["previous"] | None = Field(
        None,
        description="`previous`: with the period of the same length before. Adds to each row "
        "`<metric>_previous` and `<metric>_change`, its relative change (null: no base), and "
        "`meta.compare`.",
    )

    def in_zone_of(self, timezones: Mapping[str, str], sites: frozenset[str] | None) -> Self:
        """The same, in the time zone of the one site that is meant, unless another is named."""
        if "timezone" in self.model_fields_set:
            return self
        one = self.site_id or (next(iter(sites)) if sites and len(sites) == 1 else "")
        return self.model_copy(update={"timezone": parse_zone(timezones.get(one))})

    def select(self, now: datetime) -> Selection:
        selection = replace(super().select(now), timezone=self.timezone)
        if self.compare is None:
            return selection
        previous = shift_back(selection.start, selection.end, self.timezone)
        return replace(selection, previous=previous)


class RealtimeParams(MetricParams):
    """Parameters of the endpoint whose range is always the last 30 minutes."""

    limit: int = Field(10, ge=1, le=MAX_ROWS, description="Most rows of each ranked kind.")

    def select(self, now: datetime) -> Selection:
        end = ceil_time(now, "minute")
        return Selection(
            start=end - REALTIME_RANGE,
            end=end,
            limit=self.limit,
            offset=0,
            include_bots=self.include_bots,
            filters=self._filters(),
        )


def make_params(endpoint: Endpoint) -> type[MetricParams]:
    """The model of an endpoint's parameters: the common ones, its filters, and `group_by`."""
    fields: dict[str, Any] = {}
    for name in endpoint.filters:
        type_, text = FILTERS[name]
        fields[name] = (type_ | None, Field(None, description=text))
    if endpoint.can_pick:
        fields["group_by"] = _make_group_by(endpoint)
    base = CommonParams if endpoint.tables[0].grain == "hour" else RealtimeParams
    made = create_model(f"{endpoint.name}Params", __base__=base, **fields)
    return type(made.__name__, (made,), {"filter_names": endpoint.filters})


def _make_group_by(endpoint: Endpoint) -> tuple[Any, Any]:
    allowed = endpoint.dimensions
    text = f"one or more of {', '.join(allowed)}, comma-separated or repeated"

    def split(given: object) -> object:
        if given is None:
            return None
        parts = given if isinstance(given, list | tuple) else [given]
        names = [name.strip() for part in parts for name in str(part).split(",")]
        if not set(names) <= set(allowed):
            raise PydanticCustomError("group_by", text)
        return tuple(dict.fromkeys(names))

    one_of = Literal[allowed]  # type: ignore[valid-type]  # mypy wants literals
    type_ = Annotated[tuple[one_of, ...] | None, BeforeValidator(split)]
    default = ", ".join(endpoint.group_by)
    return type_, Field(None, description=f"What makes a row: {text}. Default: {default}.")


def _refuse(parameter: str, given: datetime, allowed: str) -> InvalidParameter:
    shown = given.isoformat()
    detail = {"parameter": parameter, "given": shown, "allowed": allowed}
    return InvalidParameter(f"{parameter}: given {shown!r}, allowed: {allowed}", [detail])
