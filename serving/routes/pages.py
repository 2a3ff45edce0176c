"""`GET /pages`: what happened on each page."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from serving.answers import answer
from serving.deps import Call, get_call, require_key
from serving.endpoints import PAGES_ENDPOINT
from serving.models import ERROR_ANSWERS, make_answer_model
from serving.params import PagesParams

router = APIRouter(tags=["metrics"], dependencies=[Depends(require_key)], responses=ERROR_ANSWERS)


@router.get(PAGES_ENDPOINT.path, responses={200: {"model": make_answer_model(PAGES_ENDPOINT)}})
async def read_pages(
    params: Annotated[PagesParams, Query()],
    call: Annotated[Call, Depends(get_call)],
) -> Response:
    """Views, visitors, load times of each page, and the sessions that began and ended on it.

    The most viewed come first. Distinct visitors are an estimate within 2 % (at 95 %).
    """
    return await answer(call, PAGES_ENDPOINT, params)
