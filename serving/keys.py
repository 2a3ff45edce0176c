"""API keys: what is kept of one, how it is made and how it is recognised; pure.

A key is `wa_<id>_<secret>`: the prefix lets scanners of leaked secrets find it, the id names it in
lists and logs, the secret is 256 random bits. Kept is only a SHA-256 of the whole. A slow hash
(argon2, bcrypt) would make the guessing of passwords dear; 256 random bits cannot be guessed at any
speed, so it would only make each request dear.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Literal, get_args

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.event import MAX_IDENTIFIER_LENGTH

Scope = Literal["metrics", "query", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
State = Literal["valid", "expired", "revoked"]

_ID_BYTES = 5
_SECRET_BYTES = 32
_FORM = re.compile(r"wa_([0-9a-f]{10})_([A-Za-z0-9_-]{43})")

SiteName = Annotated[str, Field(min_length=1, max_length=MAX_IDENTIFIER_LENGTH)]


class KeyRecord(BaseModel):
    """What is kept of one key; `sites` None: all, `requests_per_minute` None: no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[0-9a-f]{10}$")
    name: str = Field(min_length=1, max_length=100)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    scopes: tuple[Scope, ...] = Field(min_length=1)
    sites: Annotated[tuple[SiteName, ...], Field(min_length=1)] | None = None
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    created_at: AwareDatetime
    expires_at: AwareDatetime | None = None
    revoked_at: AwareDatetime | None = None

    def state_at(self, now: datetime) -> State:
        if self.revoked_at is not None and self.revoked_at <= now:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "valid"


class KeyList(BaseModel):
    """The content of `keys.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    keys: tuple[KeyRecord, ...] = ()


def make_key(
    name: str,
    now: datetime,
    *,
    scopes: Iterable[Scope],
    sites: Iterable[str] | None = None,
    requests_per_minute: int | None = None,
    expires_at: datetime | None = None,
) -> tuple[KeyRecord, str]:
    """A new key: what is kept of it, and the key itself, which is shown once."""
    id_ = secrets.token_hex(_ID_BYTES)
    key = f"wa_{id_}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    record = KeyRecord(
        id=id_,
        name=name,
        sha256=digest(key),
        scopes=tuple(sorted(set(scopes))),
        sites=None if sites is None else tuple(sorted(set(sites))),
        requests_per_minute=requests_per_minute,
        created_at=now,
        expires_at=expires_at,
    )
    return record, key


def find_key(records: Mapping[str, KeyRecord], given: str, now: datetime) -> KeyRecord | None:
    """The record, by id, of a key that is valid now."""
    id_ = parse_id(given)
    record = records.get(id_) if id_ else None
    if record is None or not hmac.compare_digest(record.sha256, digest(given)):
        return None
    return record if record.state_at(now) == "valid" else None


def parse_id(given: str) -> str | None:
    """The id in something of the form of a key."""
    match = _FORM.fullmatch(given)
    return match[1] if match else None


def digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
