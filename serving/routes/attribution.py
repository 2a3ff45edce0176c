"""`GET /attribution`: which sources earned the conversions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from serving.answers import answer_question
from serving.deps import Call, get_call, require_key
from serving.gold_reader import States
from serving.journeys.attribution import build_attribution
from serving.journeys.models import Answer, AttributionRow
from serving.journeys.params import AttributionParams
from serving.models import ERROR_ANSWERS
from serving.preparing import Question
from serving.queries import Statement
from serving.ranges import Ranges
from serving.selection import Selection

router = APIRouter(tags=["people"], dependencies=[Depends(require_key)], responses=ERROR_ANSWERS)


@router.get(
    "/attribution",
    responses={200: {"model": Answer[AttributionRow]}},
)
async def read_attribution(
    params: Annotated[AttributionParams, Query()],
    call: Annotated[Call, Depends(get_call)],
) -> Response:
    """Conversions and revenue, credited to the sessions that led to them.

    Conversions belong to the session they happened in, and to its start, as in /sessions: whatever
    the model, the sums are the same. docs/people.md has the definitions.

    Example: `GET /attribution?model=position&group_by=channel`
    """

    def build(selection: Selection, _: Ranges, __: States) -> Statement:
        return build_attribution(
            selection, params.model, params.window_s, params.group_by, params.include_direct
        )

    return await answer_question(call, Question("/attribution", build), params)
