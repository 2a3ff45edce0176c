"""`/funnels`: the named ones, their numbers, and ad-hoc ones."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query, Response

from serving.answers import answer_question
from serving.definition_files import find_definition
from serving.deps import Call, Service, get_call, get_service, require_key
from serving.gold_reader import States
from serving.journeys.definitions import Funnel
from serving.journeys.funnels import build_funnel
from serving.journeys.models import Answer, FunnelList, FunnelRow, FunnelSummary, ListMeta
from serving.journeys.params import FunnelParams
from serving.models import ERROR_ANSWERS, ErrorAnswer
from serving.preparing import Question
from serving.queries import Statement
from serving.ranges import Ranges
from serving.selection import Selection

NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorAnswer, "description": "No funnel has this name."}
}

_EXAMPLE: dict[str, Any] = {
    "steps": [
        {"name": "Pricing", "event_type": "page_view", "page_path": "/pricing"},
        {"name": "Bought", "event_type": "custom_event", "event_name": "purchase"},
    ],
    "window_s": 604800,
}

router = APIRouter(tags=["people"], dependencies=[Depends(require_key)], responses=ERROR_ANSWERS)


@router.get("/funnels")
async def list_funnels(service: Annotated[Service, Depends(get_service)]) -> FunnelList:
    """The funnels of conf/funnels.yaml, by name.

    Example: `GET /funnels`
    """
    return FunnelList(
        data=[
            FunnelSummary(
                name=name, help=funnel.help, window_s=funnel.window_s, steps=list(funnel.steps)
            )
            for name, funnel in sorted(service.funnels.items())
        ],
        meta=ListMeta(generated_at=datetime.now(UTC)),
    )


@router.get(
    "/funnels/{name}",
    responses={200: {"model": Answer[FunnelRow]}, **NOT_FOUND},
)
async def read_funnel(
    name: str,
    params: Annotated[FunnelParams, Query()],
    call: Annotated[Call, Depends(get_call)],
) -> Response:
    """How many visitors take the steps of a named funnel, in order and in time.

    docs/people.md has the definition.

    Example: `GET /funnels/purchase?breakdown=device_type`
    """
    funnel = find_definition(name, call.service.funnels, "conf/funnels.yaml")
    return await _answer_funnel(call, "/funnels/{name}", funnel, params)


@router.post(
    "/funnels",
    responses={200: {"model": Answer[FunnelRow]}},
)
async def run_funnel(
    funnel: Annotated[Funnel, Body(openapi_examples={"purchase": {"value": _EXAMPLE}})],
    params: Annotated[FunnelParams, Query()],
    call: Annotated[Call, Depends(get_call)],
) -> Response:
    """An ad-hoc funnel, in the form of conf/funnels.yaml; the range is in the query string."""
    return await _answer_funnel(call, "/funnels", funnel, params)


async def _answer_funnel(call: Call, path: str, funnel: Funnel, params: FunnelParams) -> Response:
    def build(selection: Selection, _: Ranges, __: States) -> Statement:
        return build_funnel(funnel, selection, params.breakdown)

    return await answer_question(call, Question(path, build), params)
