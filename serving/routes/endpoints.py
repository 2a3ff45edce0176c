"""The metric endpoints: one route for each declaration in `serving/endpoints.py`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from serving.answers import answer
from serving.deps import Call, get_call, require_key
from serving.endpoint import Endpoint
from serving.endpoints import ENDPOINTS
from serving.models import ERROR_ANSWERS, make_answer_model
from serving.params import MetricParams, make_params

router = APIRouter(tags=["metrics"], dependencies=[Depends(require_key)], responses=ERROR_ANSWERS)


def make_route(endpoint: Endpoint) -> Callable[..., Awaitable[Response]]:
    """The function that answers requests of the endpoint."""

    async def read(params: MetricParams, call: Annotated[Call, Depends(get_call)]) -> Response:
        return await answer(call, endpoint, params)

    # FastAPI takes the parameters' names, types and texts from the annotation.
    read.__annotations__ |= {
        "params": Annotated[make_params(endpoint), Query()],
        "call": Annotated[Call, Depends(get_call)],
        "return": Response,
    }
    return read


for each in ENDPOINTS:
    router.add_api_route(
        each.path,
        make_route(each),
        summary=each.title,
        description=each.help,
        operation_id=f"read_{each.path.strip('/').replace('-', '_')}",
        responses={200: {"model": make_answer_model(each)}},
    )
