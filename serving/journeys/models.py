"""Response models of what is asked about people: for OpenAPI, and for whoever reads it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Generic, TypeVar

from pydantic import BaseModel, Field

from serving.journeys.definitions import Step
from serving.models import Meta

Row = TypeVar("Row")


class Answer(BaseModel, Generic[Row]):
    data: list[Row]
    meta: Meta


class UsersRow(BaseModel):
    bucket: datetime | None = Field(None, description="Start; only with `interval`.")
    users: int = Field(description="People with a session.")
    new_users: int = Field(description="Those whose first session ever is one of these.")
    returning_users: int = Field(description="The others.")
    sessions_per_user: float


class Touch(BaseModel):
    session_start: datetime
    source: str
    medium: str | None
    campaign: str | None
    channel: str | None


class Lifetime(BaseModel):
    """Over all history."""

    sessions: int
    engaged_sessions: int
    page_views: int
    conversions: int
    revenue: float | None = Field(description="In the site's currency.")
    duration_s: float | None = Field(description="Of all sessions together.")
    first_seen: datetime
    last_seen: datetime | None


class JourneyEvent(BaseModel):
    event_time: datetime
    event_id: str
    event_type: str
    page_path: str | None
    event_name: str | None
    is_conversion: bool | None
    revenue: float | None


class JourneySession(BaseModel):
    site_id: str
    session_id: str
    visitor_id: str
    session_start: datetime
    session_end: datetime
    duration_s: float
    event_count: int
    page_views: int
    is_engaged: bool
    entry_page: str | None
    exit_page: str | None
    source: str
    medium: str | None
    campaign: str | None
    channel: str | None
    device_type: str | None
    browser: str | None
    os: str | None
    country: str | None
    conversions: int
    revenue: float | None
    events: list[JourneyEvent] | None = Field(description="In order, at most 200.")


class ProfileRow(BaseModel):
    id: str = Field(description="The user_id, or the visitor_id of one who never logged in.")
    user_id: str | None
    visitor_ids: list[str]
    sites: list[str]
    lifetime: Lifetime
    first_touch: Touch | None = Field(description="Origin of the first session that has a source.")
    last_touch: Touch | None = Field(description="Origin of the last one that has.")
    journey: list[JourneySession] = Field(description="The latest sessions, in order.")


class FunnelSummary(BaseModel):
    name: str
    help: str | None
    window_s: float
    steps: list[Step]


class ListMeta(BaseModel):
    generated_at: datetime


class FunnelList(BaseModel):
    data: list[FunnelSummary]
    meta: ListMeta


class FunnelRow(BaseModel):
    breakdown: str | None = Field(None, description="Only with `breakdown`.")
    step: int = Field(description="From 1.")
    name: str
    visitors: int = Field(description="Those who came to this step.")
    conversion_rate: float = Field(description="Of the visitors of step 1.")
    step_conversion_rate: float | None = Field(description="Of those of the step before.")
    median_time_to_convert_s: float | None = Field(description="From step 1 to this step.")


class RetentionRow(BaseModel):
    cohort: date = Field(description="Start of the period in which these people first came.")
    size: int = Field(description="People.")
    period: int = Field(description="0 is the cohort's own.")
    visitors: int = Field(description="Those of them with a session in that period.")
    rate: float = Field(description="visitors / size.")
    complete: bool = Field(description="false: the period is not over, the number can still grow.")


class LifecycleRow(BaseModel):
    bucket: datetime = Field(description="Start of the period.")
    new: int = Field(description="First session ever.")
    returning: int = Field(description="Came in the period before too.")
    resurrecting: int = Field(description="Did not come in the period before, but earlier.")
    dormant: int = Field(description="Came in the period before, and not in this.")
    complete: bool = Field(description="false: the period is not over.")


class PathRow(BaseModel):
    page_path: str
    next_page: str | None = Field(description="null: the visit ended here.")
    views: int = Field(description="Views of page_path that were followed so.")
    visitors: int
    share: float = Field(description="Of all views of page_path.")


class AttributionRow(BaseModel):
    channel: str | None = Field(None, description="Each only where `group_by` names it.")
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    conversions: float = Field(description="Credited; the sum is that of /sessions.")
    revenue: float = Field(description="Credited.")
