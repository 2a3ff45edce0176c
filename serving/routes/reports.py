"""`/reports`: the named ones, and each as JSON, CSV or a page to print."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from serving.definition_files import find_definition
from serving.deps import Call, Service, get_call, get_service, require_key
from serving.journeys.models import ListMeta
from serving.models import ERROR_ANSWERS, ErrorAnswer, Meta
from serving.reports.answer import ROUTE, ReportParams, answer_report
from serving.selection import Interval

_NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorAnswer, "description": "No report has this name."}
}
_TEXT = {"schema": {"type": "string"}}
_CSV = {**_TEXT, "example": "section,row,metric,unit,value,previous,change\r\n"}

router = APIRouter(tags=["reports"], dependencies=[Depends(require_key)], responses=ERROR_ANSWERS)


class ReportSummary(BaseModel):
    name: str
    title: str
    help: str | None
    period: str = Field(description="What it is about unless a range is asked for.")
    sections: list[str] = Field(description="Their titles.")


class ReportList(BaseModel):
    data: list[ReportSummary]
    meta: ListMeta


class ReportColumn(BaseModel):
    name: str
    unit: str
    help: str


class ReportSection(BaseModel):
    """What one endpoint answers with `compare=previous`."""

    title: str
    endpoint: str
    interval: Interval | None
    keys: list[str] = Field(description="The columns that make a row.")
    columns: list[ReportColumn] = Field(description="Each also as `_previous` and `_change`.")
    rows: list[dict[str, Any]]


class ReportMeta(Meta):
    report: str
    title: str


class ReportAnswer(BaseModel):
    data: list[ReportSection]
    meta: ReportMeta


@router.get("/reports")
async def list_reports(service: Annotated[Service, Depends(get_service)]) -> ReportList:
    """The reports of conf/reports.yaml, by name.

    Example: `GET /reports`
    """
    return ReportList(
        data=[
            ReportSummary(
                name=name,
                title=report.title,
                help=report.help,
                period=report.period,
                sections=[section.title for section in report.sections],
            )
            for name, report in sorted(service.reports.items())
        ],
        meta=ListMeta(generated_at=datetime.now(UTC)),
    )


@router.get(
    ROUTE,
    responses={
        200: {"model": ReportAnswer, "content": {"text/csv": _CSV, "text/html": _TEXT}},
        **_NOT_FOUND,
    },
)
async def read_report(
    name: str,
    params: Annotated[ReportParams, Query()],
    call: Annotated[Call, Depends(get_call)],
) -> Response:
    """A period against the one before it, in sections. docs/reports.md says how to define one.

    Example: `GET /reports/weekly?format=html`
    """
    report = find_definition(name, call.service.reports, "conf/reports.yaml")
    return await answer_report(call, name, report, params)
