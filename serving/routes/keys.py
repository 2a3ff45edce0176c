"""`GET /keys`: which API keys there are and what each may; never a key itself, nor its hash."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from serving.access import Access
from serving.deps import Service, get_access, get_service, require_scope
from serving.errors import NotReady
from serving.key_file import UnreadableKeys
from serving.keys import KeyRecord, Scope, State
from serving.models import ERROR_ANSWERS

router = APIRouter(
    tags=["operation"], dependencies=[Depends(require_scope("admin"))], responses=ERROR_ANSWERS
)


class ShownKey(BaseModel):
    """What is known of one key."""

    id: str
    name: str
    state: State
    scopes: tuple[Scope, ...]
    sites: tuple[str, ...] | None = Field(description="The only sites it may see; null: all.")
    requests_per_minute: int | None = Field(description="null: no limit.")
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class ShownKeys(BaseModel):
    data: list[ShownKey]


@router.get("/keys")
async def list_keys(
    service: Annotated[Service, Depends(get_service)],
    access: Annotated[Access, Depends(get_access)],
) -> ShownKeys:
    """The keys of `web-analytics keys`, ended ones included.

    A key that is limited to sites is shown those that see no others.
    """
    try:
        records = service.keys.current().values()
    except UnreadableKeys as error:
        raise NotReady("the API keys cannot be read now; the log has the reason.") from error
    now = datetime.now(UTC)
    seen = [
        record for record in records if access.sites is None or _is_within(record, access.sites)
    ]
    return ShownKeys(data=[_show(record, now) for record in seen])


def _is_within(record: KeyRecord, sites: frozenset[str]) -> bool:
    return record.sites is not None and sites.issuperset(record.sites)


def _show(record: KeyRecord, now: datetime) -> ShownKey:
    return ShownKey(state=record.state_at(now), **record.model_dump(exclude={"sha256"}))
