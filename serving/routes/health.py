"""Is the API alive, ready, and how well is it: `/health/live`, `/health/ready`, `/health`.

None needs a key, so none says more than states and ages.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from serving.deps import Service, get_service
from serving.errors import NotReady
from serving.freshness import find_as_of
from serving.gold_reader import TABLES, States
from serving.models import ErrorAnswer
from serving.preparing import NOT_READY_RETRY_S

Status = Literal["HEALTHY", "WARNING", "CRITICAL"]

# Data is to be visible within minutes. Older is no more than a warning: from here a site without
# visitors looks like a stream that stands still; `web-analytics status` tells them apart.
FRESHNESS_WARNING_S = 300
_SEVERITY: tuple[Status, ...] = ("HEALTHY", "WARNING", "CRITICAL")

router = APIRouter(prefix="/health", tags=["operation"])


class Check(BaseModel):
    """One thing looked at: `value` against `threshold`."""

    name: str
    status: Status
    value: str | int | float | None
    threshold: str | int | float


class Health(BaseModel):
    """The worst status of all checks, and each of them."""

    status: Status
    checks: list[Check]


class State(BaseModel):
    status: Literal["live", "ready"]


@router.get("/live")
async def report_live() -> State:
    """The process answers."""
    return State(status="live")


@router.get(
    "/ready", responses={503: {"model": ErrorAnswer, "description": "Not yet; see Retry-After."}}
)
async def report_ready(service: Annotated[Service, Depends(get_service)]) -> State:
    """Every table can be read, and each endpoint has been asked once."""
    states = await asyncio.to_thread(service.reader.read_states)
    if missing := [name for name in TABLES if name not in states]:
        raise NotReady(
            f"not there yet: {', '.join(missing)}; the streaming app makes them when it starts.",
            retry_after_s=NOT_READY_RETRY_S,
        )
    if not service.is_warm:
        raise NotReady("the first queries are still running.", retry_after_s=NOT_READY_RETRY_S)
    return State(status="ready")


@router.get("")
async def report_health(service: Annotated[Service, Depends(get_service)]) -> Health:
    """Each check with its value and threshold. The status is 200 as long as the API answers."""
    try:
        states = await asyncio.to_thread(service.reader.read_states)
        lake = _check("lake", "HEALTHY", "readable", "readable")
    except NotReady as error:
        states = {}
        lake = _check("lake", "CRITICAL", error.message, "readable")
    checks = [lake, _check_tables(states), _check_freshness(states), await _check_redis(service)]
    worst = max(checks, key=lambda check: _SEVERITY.index(check.status))
    return Health(status=worst.status, checks=checks)


def _check_tables(states: States) -> Check:
    status: Status = "HEALTHY" if len(states) == len(TABLES) else "CRITICAL"
    return _check("tables", status, len(states), len(TABLES))


def _check_freshness(states: States) -> Check:
    """Age of the newest event that page metrics hold, seconds."""
    as_of = find_as_of(states)
    if as_of is None:
        return _check("freshness_s", "WARNING", None, FRESHNESS_WARNING_S)
    age_s = round((datetime.now(UTC) - as_of).total_seconds(), 1)
    status: Status = "HEALTHY" if age_s <= FRESHNESS_WARNING_S else "WARNING"
    return _check("freshness_s", status, age_s, FRESHNESS_WARNING_S)


async def _check_redis(service: Service) -> Check:
    if not service.cache.is_configured:
        return _check("redis", "HEALTHY", "not used", "answers")
    if await service.cache.ping():
        return _check("redis", "HEALTHY", "answers", "answers")
    return _check("redis", "WARNING", "does not answer", "answers")


def _check(
    name: str, status: Status, value: str | int | float | None, threshold: str | int | float
) -> Check:
    return Check(name=name, status=status, value=value, threshold=threshold)
