"""The event as pydantic models, one for each type: the documented contract (CONTRACT section 1).

A model accepts what Silver accepts and casts as Silver casts (`schemas/event_values.py`), as far as
one record alone can tell. The JSON Schema made of it (`schemas/event_documents.py`) says what to
send, which is less.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from schemas.event import DEFAULT_SITE
from schemas.event_fields import (
    Boolean,
    Identifier,
    Integer,
    Number,
    Percent,
    Positive,
    Properties,
    RequiredIdentifier,
    RequiredPercent,
    RequiredText,
    RequiredTime,
    Site,
    Text,
    Time,
    Url,
    reject,
)
from schemas.event_values import read_text
from schemas.reject import RejectReason


class EventFields(BaseModel):
    """What every event has or may have; a field may come with any type of event."""

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        json_schema_extra={
            "anyOf": [{"required": ["anonymous_id"]}, {"required": ["user_id"]}],
        },
    )

    event_id: RequiredIdentifier = Field(
        description="Identity of the event within its site; a copy has the same."
    )
    event_type: Text = Field(None, description="What happened: one of the eight types.")
    event_timestamp: RequiredTime = Field(
        description="When it happened, by the client's clock: ISO-8601 with offset, or epoch ms."
    )
    anonymous_id: Identifier = Field(None, description="The browser or device; names the visitor.")
    user_id: Identifier = Field(
        None, description="The signed-in person; names the visitor where anonymous_id is absent."
    )
    sent_timestamp: Time = Field(
        None, description="When it was sent, by the same clock; cancels an error of that clock."
    )
    site_id: Site = Field(DEFAULT_SITE, description="The site the event belongs to.")
    session_id: Text = Field(
        None, description="The client's own session; kept, never trusted: sessions are computed."
    )
    page_url: Text = Field(None, description="Address of the page, absolute http or https.")
    page_title: Text = Field(None, description="Title of the page.")
    referrer: Text = Field(None, description="Address the visitor came from.")
    user_agent: Text = Field(None, description="The browser's User-Agent header.")
    ip_address: Text = Field(None, description="The client's address, version 4 or 6.")
    language: Text = Field(None, description="The browser's language, such as `en-GB`.")
    timezone: Text = Field(None, description="The browser's IANA time zone.")
    screen_width: Integer = Field(None, description="Width of the screen, pixels.")
    screen_height: Integer = Field(None, description="Height of the screen, pixels.")
    viewport_width: Integer = Field(None, description="Width of the window's content, pixels.")
    viewport_height: Integer = Field(None, description="Height of the window's content, pixels.")
    load_time_ms: Positive = Field(None, description="Navigation start to load event.")
    ttfb_ms: Positive = Field(None, description="Time to first byte.")
    dom_interactive_ms: Positive = Field(None, description="Navigation start to interactive DOM.")
    fcp_ms: Positive = Field(None, description="First contentful paint.")
    lcp_ms: Positive = Field(None, description="Largest contentful paint.")
    inp_ms: Positive = Field(None, description="Interaction to next paint.")
    cls: Positive = Field(None, description="Cumulative layout shift, without unit.")
    element_id: Text = Field(None, description="`id` of the element clicked.")
    element_tag: Text = Field(None, description="Its tag.")
    element_text: Text = Field(None, description="Its text.")
    element_href: Text = Field(None, description="Where it links to.")
    x: Integer = Field(None, description="Where in the window, pixels from the left.")
    y: Integer = Field(None, description="Where in the window, pixels from the top.")
    scroll_depth_percent: Percent = Field(None, description="Deepest part of the page seen.")
    form_id: Text = Field(None, description="`id` of the form.")
    form_name: Text = Field(None, description="Name of the form.")
    form_success: Boolean = Field(None, description="The form was accepted.")
    video_id: Text = Field(None, description="The video.")
    video_position_s: Positive = Field(None, description="Where in the video it plays.")
    video_duration_s: Positive = Field(None, description="How long the video is.")
    event_name: Text = Field(None, description="Name of the custom event; names a conversion.")
    value: Number = Field(None, description="What it is worth, in `currency`.")
    currency: Text = Field(None, description="ISO-4217 code; the site's own where absent.")
    properties: Properties = Field(
        None, description="Free object; unknown fields of the event are put into it."
    )
    consent_analytics: Boolean = Field(
        None, description="`false`: counted without any identifier kept."
    )
    tracker: Text = Field(None, description="Name and version of the program that sends.")
    schema_version: Text = Field(None, description="Version of the contract it was written for.")

    @model_validator(mode="after")
    def _has_visitor(self) -> Self:
        if not (self.anonymous_id or self.user_id):
            raise reject(RejectReason.MISSING_FIELD, "anonymous_id or user_id is required")
        return self


class PageView(EventFields):
    """A page was shown."""

    event_type: Literal["page_view"]
    page_url: Url


class Click(EventFields):
    """An element was clicked or tapped."""

    event_type: Literal["click"]


class Scroll(EventFields):
    """The page was scrolled."""

    event_type: Literal["scroll"]
    scroll_depth_percent: RequiredPercent


class FormSubmit(EventFields):
    """A form was sent; `form_id` or `form_name` says which."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["form_id"]}, {"required": ["form_name"]}]}
    )

    event_type: Literal["form_submit"]

    @model_validator(mode="after")
    def _has_form(self) -> Self:
        if not (self.form_id or self.form_name):
            raise reject(RejectReason.MISSING_FIELD, "form_id or form_name is required")
        return self


class VideoPlay(EventFields):
    """A video began or went on."""

    event_type: Literal["video_play"]
    video_id: RequiredText


class CustomEvent(EventFields):
    """Anything a site names itself; with a `value` it is a conversion by default."""

    event_type: Literal["custom_event"]
    event_name: RequiredText


class SessionStart(EventFields):
    """The client believes that a session began."""

    event_type: Literal["session_start"]


class SessionEnd(EventFields):
    """The client believes that a session ended."""

    event_type: Literal["session_end"]


Event = Annotated[
    PageView | Click | Scroll | FormSubmit | VideoPlay | CustomEvent | SessionStart | SessionEnd,
    Field(discriminator="event_type"),
]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)
EVENT_MODELS = (
    PageView,
    Click,
    Scroll,
    FormSubmit,
    VideoPlay,
    CustomEvent,
    SessionStart,
    SessionEnd,
)


def validate_event(sent: Mapping[str, Any]) -> Event:
    """The event of a parsed JSON object; raises pydantic's `ValidationError`."""
    return EVENT.validate_python(dict(sent))


def find_reject_reasons(sent: Mapping[str, Any]) -> list[RejectReason]:
    """Why Silver would reject the event, in order of precedence; empty where it would not.

    Not always every reason: one that concerns several fields is found only where each is valid.
    """
    try:
        validate_event(sent)
    except ValidationError as error:
        reasons = {_reason_of(str(details["type"]), sent) for details in error.errors()}
    else:
        return []
    if RejectReason.UNKNOWN_EVENT_TYPE in reasons or not read_text(sent.get("event_type")):
        reasons |= _reasons_of_any_type(sent)
    return [reason for reason in RejectReason if reason in reasons]


def _reasons_of_any_type(sent: Mapping[str, Any]) -> set[RejectReason]:
    try:
        EventFields.model_validate(dict(sent))
    except ValidationError as error:
        return {_reason_of(str(details["type"]), sent) for details in error.errors()}
    return set()


def _reason_of(error_type: str, sent: Mapping[str, Any]) -> RejectReason:
    """The reason that stands for pydantic's error; those of ours are reasons already."""
    if error_type == "union_tag_invalid" and read_text(sent.get("event_type")):
        return RejectReason.UNKNOWN_EVENT_TYPE
    if error_type in ("missing", "union_tag_not_found", "union_tag_invalid"):
        return RejectReason.MISSING_FIELD
    return RejectReason(error_type)
