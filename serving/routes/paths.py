"""`GET /paths`: which pages follow a page."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from serving.answers import answer_question
from serving.deps import Call, get_call, require_key
from serving.gold_reader import States
from serving.journeys.models import Answer, PathRow
from serving.journeys.params import PathParams
from serving.journeys.paths import build_paths
from serving.models import ERROR_ANSWERS
from serving.preparing import Question
from serving.queries import Statement
from serving.ranges import Ranges
from serving.selection import Selection

router = APIRouter(tags=["people"], dependencies=[Depends(require_key)], responses=ERROR_ANSWERS)


@router.get(
    "/paths",
    responses={200: {"model": Answer[PathRow]}},
)
async def read_paths(
    params: Annotated[PathParams, Query()],
    call: Annotated[Call, Depends(get_call)],
) -> Response:
    """The pages that people go to next, the most frequent first; null is the end of the visit.

    Example: `GET /paths?page_path=/pricing`
    """
    gap_s = call.service.settings.session.gap_s

    def build(selection: Selection, _: Ranges, __: States) -> Statement:
        return build_paths(selection, params.page_path, gap_s)

    return await answer_question(call, Question("/paths", build), params)
