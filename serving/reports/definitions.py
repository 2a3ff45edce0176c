"""What a report is: sections, each a question to a metric endpoint (`conf/reports.yaml`).

From a YAML file to frozen `Report`s. What an endpoint would refuse is refused here, before the API
starts, so no report fails because of how it is defined.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from serving.definition_files import Definition, Name, hint_at, read_definition_file
from serving.endpoint import Endpoint
from serving.endpoints import ENDPOINTS
from serving.params import CommonParams, MetricParams, make_params
from serving.reports.periods import check_period
from serving.selection import Interval
from settings.load import CONF_DIR
from settings.model import Settings

MAX_SECTIONS = 20
MAX_SECTION_ROWS = 1_000
DEFAULT_ROWS = 10

# Those that are asked for a range; the others are about now.
_ENDPOINTS = {each.path: each for each in ENDPOINTS if not each.kinds}
_PARAMS: dict[str, type[MetricParams]] = {
    path: make_params(endpoint) for path, endpoint in _ENDPOINTS.items()
}
Title = Annotated[str, Field(min_length=1, max_length=128)]


class Section(Definition):
    """One question, under a title. Its range is that of the report."""

    title: Title
    endpoint: str = Field(description="Path of a metric endpoint that takes a range.")
    columns: tuple[str, ...] = Field((), description="Metrics to show, in order; none: all.")
    group_by: tuple[str, ...] = Field((), description="As the endpoint takes it.")
    interval: Interval | None = Field(None, description="One row per interval.")
    limit: int | None = Field(
        None, ge=1, le=MAX_SECTION_ROWS, description="Most rows; default 10, with `interval` 1,000."
    )
    filters: dict[str, str] = Field(
        default_factory=dict, description="Parameters of the endpoint that select rows."
    )

    @model_validator(mode="after")
    def _check_it_can_be_asked(self) -> Section:
        if self.endpoint not in _ENDPOINTS:
            hint = hint_at(self.endpoint, list(_ENDPOINTS))
            raise ValueError(f"no endpoint {self.endpoint!r} that takes a range. {hint}")
        endpoint = self.asked
        for name in self.columns:
            if name not in endpoint.columns:
                hint = hint_at(name, list(endpoint.columns))
                raise ValueError(f"columns: {self.endpoint} has no metric {name!r}. {hint}")
        for name in self.filters:
            if name not in endpoint.filters:
                hint = hint_at(name, list(endpoint.filters))
                raise ValueError(f"filters: {self.endpoint} has no filter {name!r}. {hint}")
        if self.group_by and not endpoint.can_pick:
            raise ValueError(f"group_by: {self.endpoint} does not take it; leave it out.")
        try:
            self.make_params({})
        except ValidationError as error:
            raise ValueError("; ".join(map(_describe, error.errors()))) from None
        return self

    @property
    def asked(self) -> Endpoint:
        return _ENDPOINTS[self.endpoint]

    @property
    def shown(self) -> tuple[str, ...]:
        """The metrics of a row, by name."""
        return self.columns or self.asked.columns

    @property
    def most_rows(self) -> int:
        return self.limit or (MAX_SECTION_ROWS if self.interval else DEFAULT_ROWS)

    def make_params(self, common: dict[str, Any]) -> CommonParams:
        """The endpoint's own parameters; `common` are those of the request for the report."""
        own: dict[str, Any] = {"interval": self.interval, "limit": self.most_rows, **self.filters}
        if self.group_by:
            own["group_by"] = self.group_by
        made = _PARAMS[self.endpoint](**own, **common)
        assert isinstance(made, CommonParams)
        return made


class Report(Definition):
    """Sections in order, over a period that ends before today."""

    title: Title
    help: str | None = Field(None, max_length=512, description="What it is for.")
    period: Annotated[str, BeforeValidator(check_period)] = Field(
        "last_7_days", description="What it is about unless a range is asked for."
    )
    sections: tuple[Section, ...] = Field(min_length=1, max_length=MAX_SECTIONS)


class _ReportFile(Definition):
    reports: dict[Name, Report]


def load_reports(settings: Settings) -> dict[str, Report]:
    """The named reports, checked. Raises SettingsError."""
    named = settings.serving.reports_file
    return dict(read_report_file(Path(named) if named else CONF_DIR / "reports.yaml"))


def read_report_file(file: Path) -> dict[Name, Report]:
    """Read and check a file of reports. Raises SettingsError naming file, key and nearest key."""
    return read_definition_file(file, _ReportFile).reports


def _describe(problem: Any) -> str:
    name = ".".join(map(str, problem["loc"]))
    given = problem["input"]
    shown = ",".join(map(str, given)) if isinstance(given, list | tuple) else given
    return f"{name}: given {shown!r}, allowed: {problem['msg']}"
