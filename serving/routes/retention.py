"""`GET /retention` and `GET /lifecycle`: who comes back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from serving.answers import answer_question
from serving.deps import Call, get_call, require_key
from serving.freshness import find_complete_until
from serving.gold_reader import States
from serving.journeys.models import Answer, LifecycleRow, RetentionRow
from serving.journeys.params import PeriodParams
from serving.journeys.retention import build_lifecycle, build_retention
from serving.models import ERROR_ANSWERS
from serving.preparing import Question
from serving.queries import Statement
from serving.ranges import Ranges
from serving.selection import Selection

router = APIRouter(tags=["people"], dependencies=[Depends(require_key)], responses=ERROR_ANSWERS)


@router.get(
    "/retention",
    responses={200: {"model": Answer[RetentionRow]}},
)
async def read_retention(
    params: Annotated[PeriodParams, Query()],
    call: Annotated[Call, Depends(get_call)],
) -> Response:
    """First-time cohorts: of those who first came in a period, how many came in each later one.

    Cohorts and periods are UTC days, ISO weeks or months, always whole: a range that begins within
    one is answered from its start. Periods that are not over have `complete` false.

    Example: `GET /retention?interval=day`
    """

    def build(selection: Selection, _: Ranges, states: States) -> Statement:
        return build_retention(selection, params.interval, find_complete_until(states))

    return await answer_question(call, Question("/retention", build), params)


@router.get(
    "/lifecycle",
    responses={200: {"model": Answer[LifecycleRow]}},
)
async def read_lifecycle(
    params: Annotated[PeriodParams, Query()],
    call: Annotated[Call, Depends(get_call)],
) -> Response:
    """The people of each period: new, returning, resurrecting, and those who went dormant.

    Example: `GET /lifecycle?interval=day`
    """

    def build(selection: Selection, _: Ranges, states: States) -> Statement:
        return build_lifecycle(selection, params.interval, find_complete_until(states))

    return await answer_question(call, Question("/lifecycle", build), params)
