"""Answers kept in Redis: read-through, and never needed for a right answer.

A question has one place; what is kept there names the table versions it was made from, so an answer
of older versions is found to be stale and is replaced. The time to live only bounds memory. While
more is asked than can be computed, a stale one is given for some seconds, as what it is: an answer
of the versions that it names.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from serving.gold_reader import States
from serving.queries import Statement
from serving.ranges import floor_time
from serving.redis_link import RedisLink, Unanswered
from settings.model import CacheSettings

# Raise it when the form of a cached answer changes.
_FORMAT = b"wa3"
_PLAIN, _COMPRESSED = b"p", b"z"
_DIGEST_BYTES = 16
# Level 1 takes about 10 ms for a megabyte; smaller answers are not worth it.
_COMPRESS_FROM_BYTES = 4096
# One that is larger is not kept: it would take the place of thousands.
MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class CachedAnswer:
    """The rows as JSON text, when they were computed, and what `meta` told of their versions."""

    data: bytes
    generated_at: str
    told: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CacheKey:
    """What was asked, and which table versions answer it; both as hexadecimal digests."""

    question: str
    versions: str

    @property
    def place(self) -> str:
        return f"wa:answer:{self.question}"


@dataclass(frozen=True)
class Looked:
    """What a look gave. `stale`: none of these versions, but of others, as in `earlier`."""

    outcome: Literal["hit", "miss", "stale", "bypass"]
    answer: CachedAnswer | None = None
    earlier: tuple[CacheKey, CachedAnswer] | None = None


class AnswerCache:
    """Answers by `CacheKey`; every failure is a miss."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link

    @property
    def is_configured(self) -> bool:
        return self._link.is_configured

    async def look(self, key: CacheKey) -> Looked:
        """The answer, if there is one made from these versions."""
        try:
            found = await self._link.ask(lambda client: client.get(key.place))
        except Unanswered:
            return Looked("miss" if self._link.is_available else "bypass")
        unpacked = _unpack(found) if isinstance(found, bytes) else None
        if unpacked is None:
            return Looked("miss")
        versions, answer = unpacked
        if versions != key.versions:
            return Looked("stale", earlier=(replace(key, versions=versions), answer))
        return Looked("hit", answer)

    async def put(self, key: CacheKey, answer: CachedAnswer, ttl_s: int) -> None:
        """Keep the answer, if there is a place."""
        if len(answer.data) > MAX_BYTES or not self._link.is_available:
            return
        packed = _pack(key.versions, answer)
        try:
            await self._link.ask(lambda client: client.set(key.place, packed, ex=ttl_s))
        except Unanswered:
            return

    async def ping(self) -> bool:
        """Whether Redis answers now."""
        try:
            await self._link.ask(lambda client: client.get("wa:ping"))
        except Unanswered:
            return False
        return True


def make_key(statement: Statement, states: States, *, is_past: bool = False) -> CacheKey:
    """What was asked, and the versions that answer it.

    An answer from the past has a place of its own, or it would take the present one's.
    """
    versions = [(name, states[name].version, states[name].commit_id) for name in statement.tables]
    asked = [statement.sql, statement.args, *([versions] if is_past else [])]
    text = json.dumps(asked, default=str, sort_keys=True)
    return CacheKey(_hash(text), _hash(json.dumps(versions)))


def choose_ttl_s(settings: CacheSettings, end: datetime, now: datetime) -> int:
    """The newer the range, the sooner new versions replace the answer."""
    hour = floor_time(now)
    if end > hour:
        return settings.short_ttl_s
    if end > hour.replace(hour=0):
        return settings.medium_ttl_s
    if end > now - timedelta(days=31):
        return settings.long_ttl_s
    return settings.very_long_ttl_s


def _pack(versions: str, answer: CachedAnswer) -> bytes:
    told = json.dumps(answer.told)
    head = "\n".join((versions, answer.generated_at, told)).encode()
    text = head + b"\n" + answer.data
    is_large = len(text) >= _COMPRESS_FROM_BYTES
    body = _COMPRESSED + zlib.compress(text, 1) if is_large else _PLAIN + text
    return _FORMAT + _digest(body) + body


def _unpack(found: bytes) -> tuple[str, CachedAnswer] | None:
    """The versions and the answer, or None for anything that is not whole and ours."""
    start = len(_FORMAT) + _DIGEST_BYTES
    body = found[start:]
    if found[:start] != _FORMAT + _digest(body):
        return None
    text = zlib.decompress(body[1:]) if body[:1] == _COMPRESSED else body[1:]
    versions, generated_at, told, data = text.split(b"\n", 3)
    return versions.decode(), CachedAnswer(data, generated_at.decode(), json.loads(told))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_DIGEST_BYTES).digest()
