"""`GET /sites`: which sites there are, with the time zone and currency of each."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from schemas.gold.devices import DEVICES
from serving.answers import answer_question
from serving.deps import Call, get_call, require_key
from serving.endpoint import Endpoint
from serving.gold_reader import States
from serving.journeys.models import Answer
from serving.models import ERROR_ANSWERS
from serving.params import RangeParams
from serving.preparing import Question
from serving.queries import Statement, build_statement
from serving.ranges import Ranges
from serving.selection import Selection
from settings.model import Settings

router = APIRouter(tags=["metrics"], dependencies=[Depends(require_key)], responses=ERROR_ANSWERS)

# What is counted; not among serving.endpoints.ENDPOINTS, for the settings add to each row.
_COUNTED = Endpoint(
    path="/sites",
    title="The sites that have events.",
    help="The most viewed come first.",
    tables=(DEVICES,),
    group_by=("site_id",),
    columns=("page_views", "unique_visitors"),
    order_by=("page_views DESC",),
)
_MAP = "'MAP<STRING, STRING>'"


class SiteRow(BaseModel):
    site_id: str
    page_views: int
    unique_visitors: int = Field(description="Distinct visitors, within 2 %.")
    timezone: str = Field(description="IANA name; setting `timezones`, else UTC.")
    currency: str = Field(description="Of `revenue`; settings `currencies`, `default_currency`.")


@router.get("/sites", responses={200: {"model": Answer[SiteRow]}})
async def read_sites(
    params: Annotated[RangeParams, Query()], call: Annotated[Call, Depends(get_call)]
) -> Response:
    """The sites that have events in the range and that the key may see, the most viewed first.

    Example: `GET /sites`
    """

    def build(selection: Selection, ranges: Ranges, _: States) -> Statement:
        return build_sites(selection, ranges, call.service.settings)

    return await answer_question(call, Question("/sites", build, tables=(DEVICES,)), params)


def build_sites(selection: Selection, ranges: Ranges, settings: Settings) -> Statement:
    """The settings are values of the statement, so that a cached answer never has former ones."""
    counted = build_statement(_COUNTED, selection, ranges)
    said = {
        "timezone": f"coalesce(from_json(:timezones, {_MAP})[site_id], 'UTC')",
        "currency": f"coalesce(from_json(:currencies, {_MAP})[site_id], :default_currency)",
    }
    columns = ", ".join(f"{sql} AS {name}" for name, sql in said.items())

    def add(sql: str) -> str:
        return f"SELECT *, {columns}\nFROM (\n{sql}\n)\nORDER BY page_views DESC, site_id"

    return counted.rewrite(
        add,
        args={
            **counted.args,
            "timezones": json.dumps(settings.timezones, sort_keys=True),
            "currencies": json.dumps(settings.currencies, sort_keys=True),
            "default_currency": settings.default_currency,
        },
        columns=(*counted.columns, *said),
    )
