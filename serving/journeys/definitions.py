"""What a funnel is: the same model for the named ones (`conf/funnels.yaml`) and for ad-hoc ones.

From a YAML file or the body of a request to frozen `Funnel`s; unknown keys are refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.event import EVENT_TYPES
from serving.definition_files import Definition, Name, read_definition_file
from settings.load import CONF_DIR
from settings.model import Settings

DAY_S = 86_400
DEFAULT_WINDOW_S = 14 * DAY_S
MAX_WINDOW_S = 90 * DAY_S

EventType = Literal[EVENT_TYPES]  # type: ignore[valid-type]  # mypy wants literals
# Columns of silver.events that a step may ask for a value of.
StepColumn = Literal[
    "device_type",
    "browser",
    "os",
    "country",
    "language",
    "channel",
    "source",
    "medium",
    "campaign",
    "page_host",
    "element_id",
    "element_tag",
    "form_id",
    "form_name",
    "video_id",
]
Text = Annotated[str, Field(min_length=1, max_length=8192)]


class Step(Definition):
    """One kind of event; all that is named must hold."""

    name: Annotated[str, Field(min_length=1, max_length=128)] | None = Field(
        None, description="What to call it; none: what it asks for."
    )
    event_type: EventType | None = Field(None, description="One of the eight types.")
    page_path: Text | None = Field(
        None, description="The page it happened on, as sent; `/blog/*` means all that begin so."
    )
    event_name: Text | None = Field(None, description="Of a custom_event.")
    filters: dict[StepColumn, Text] = Field(
        default_factory=dict, description="Exact values of further columns."
    )

    @model_validator(mode="after")
    def _check_something_is_asked(self) -> Step:
        if not (self.event_type or self.page_path or self.event_name or self.filters):
            raise ValueError("name an event_type, page_path, event_name or filters")
        return self

    @property
    def label(self) -> str:
        asked = (self.event_name or self.event_type, self.page_path, *self.filters.values())
        return self.name or " ".join(part for part in asked if part)


class Funnel(Definition):
    """Steps that a visitor takes in this order, within a time from the first one."""

    help: str | None = Field(None, max_length=512, description="What it measures.")
    steps: tuple[Step, ...] = Field(min_length=2, max_length=10, description="In order.")
    window_s: float = Field(
        DEFAULT_WINDOW_S,
        gt=0,
        le=MAX_WINDOW_S,
        allow_inf_nan=False,
        description="Longest time from the first step to the last, seconds; default 14 days.",
    )


class _FunnelFile(Definition):
    funnels: dict[Name, Funnel]


def load_funnels(settings: Settings) -> dict[str, Funnel]:
    """The named funnels, checked. Raises SettingsError."""
    named = settings.serving.funnels_file
    return dict(read_funnel_file(Path(named) if named else CONF_DIR / "funnels.yaml"))


def read_funnel_file(file: Path) -> dict[Name, Funnel]:
    """Read and check a file of funnels. Raises SettingsError naming file, key and nearest key."""
    return read_definition_file(file, _FunnelFile).funnels
