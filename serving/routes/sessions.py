"""`GET /sessions`: how visits went."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from serving.answers import answer
from serving.deps import Call, get_call, require_key
from serving.endpoints import SESSIONS_ENDPOINT
from serving.models import ERROR_ANSWERS, make_answer_model
from serving.params import SessionsParams

router = APIRouter(tags=["metrics"], dependencies=[Depends(require_key)], responses=ERROR_ANSWERS)


@router.get(
    SESSIONS_ENDPOINT.path, responses={200: {"model": make_answer_model(SESSIONS_ENDPOINT)}}
)
async def read_sessions(
    params: Annotated[SessionsParams, Query()],
    call: Annotated[Call, Depends(get_call)],
) -> Response:
    """Sessions by the time of their start; one row, or one per `interval`, none if there are none.

    Sessions are counted once they are closed: `meta.complete_until` says up to when all are.
    """
    return await answer(call, SESSIONS_ENDPOINT, params)
