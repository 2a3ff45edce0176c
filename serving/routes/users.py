"""`GET /users` and `GET /users/{id}`: people, and one person."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response

from schemas.event import MAX_IDENTIFIER_LENGTH
from serving.answers import answer_question
from serving.deps import Call, get_call, require_key
from serving.errors import NotFound
from serving.gold_reader import States
from serving.journeys.models import Answer, ProfileRow, UsersRow
from serving.journeys.params import ProfileParams, UsersParams
from serving.journeys.profile import build_profile, shape_profile
from serving.journeys.users import build_users
from serving.models import ERROR_ANSWERS, ErrorAnswer
from serving.preparing import Question
from serving.queries import Statement
from serving.ranges import Ranges
from serving.selection import Selection

NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorAnswer, "description": "Nobody has this id."}
}

router = APIRouter(tags=["people"], dependencies=[Depends(require_key)], responses=ERROR_ANSWERS)


@router.get(
    "/users",
    responses={200: {"model": Answer[UsersRow]}},
)
async def read_users(
    params: Annotated[UsersParams, Query()],
    call: Annotated[Call, Depends(get_call)],
) -> Response:
    """People, new ones and returning ones, counted exactly.

    A visitor who logs in is one user, before and after (docs/identity.md). Someone is new where the
    first session ever lies in the range, or in the bucket with `interval`.

    Example: `GET /users?interval=day`
    """

    def build(selection: Selection, ranges: Ranges, _: States) -> Statement:
        return build_users(selection, ranges)

    return await answer_question(call, Question("/users", build), params)


@router.get(
    "/users/{id}",
    responses={200: {"model": Answer[ProfileRow]}, **NOT_FOUND},
)
async def read_user(
    id: Annotated[
        str,
        Path(min_length=1, max_length=MAX_IDENTIFIER_LENGTH, description="user_id or visitor_id."),
    ],
    params: Annotated[ProfileParams, Query()],
    call: Annotated[Call, Depends(get_call)],
) -> Response:
    """One person: lifetime metrics, first and last touch, and the journey in order.

    The journey has the latest sessions that begin in the range (default: the last 400 days), each
    with its events. Sessions count once they are closed, so a new visitor is found after the first.

    Example: `GET /users/visitor-1?limit=5`
    """

    def build(selection: Selection, _: Ranges, __: States) -> Statement:
        return build_profile(id, selection)

    def shape(statement: Statement, rows: list[tuple[Any, ...]]) -> list[Any]:
        if not rows:
            raise NotFound(f"id: given {id!r}, allowed: a user_id or visitor_id with a session.")
        return shape_profile(statement, rows)

    question = Question("/users/{id}", build, shape, is_of_one=True)
    return await answer_question(call, question, params)
