"""What every request needs: the service's parts, who asks, and whether they may.

`Service` is built once by `serving.app` and kept in `app.state`. A route names the scope it takes
(`Depends(require_key)` for metrics, `Depends(require_scope("query"))`), and one that counts
anything asks for a `Call`, which no answer can be had without.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader

from serving.access import Access, find_access, find_address
from serving.cache import AnswerCache, CachedAnswer, CacheKey
from serving.errors import Forbidden, NotReady, Unauthorized
from serving.flights import Flights, IsGone, stay
from serving.gold_reader import GoldReader
from serving.journeys.definitions import Funnel
from serving.key_file import KeyFile, UnreadableKeys, key_path, read_keys
from serving.keys import KeyRecord, Scope
from serving.limits import RateLimiter
from serving.metrics import ServingMetrics
from serving.param_types import refuse_repeated
from serving.query_pool import QueryPool
from serving.redis_link import RedisLink
from serving.renewal import Renewal
from serving.reports.definitions import Report
from settings.load import SettingsError, reveal
from settings.model import Settings

_read_key = APIKeyHeader(
    name="X-API-Key", auto_error=False, description="A key of `web-analytics keys create`."
)


class UnsafeSettings(SettingsError):
    """The API would be open to everybody without anybody having said so."""


@dataclass
class Service:
    """The parts of one running API."""

    settings: Settings
    reader: GoldReader
    keys: KeyFile
    link: RedisLink
    limiter: RateLimiter
    cache: AnswerCache
    pool: QueryPool
    metrics: ServingMetrics
    flights: Flights[CacheKey, CachedAnswer] = field(default_factory=Flights)
    renewal: Renewal = field(init=False)
    is_warm: bool = False
    funnels: dict[str, Funnel] = field(default_factory=dict)
    reports: dict[str, Report] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.renewal = Renewal(self.pool.beside_at_once, self.settings.serving.cache.earlier_s)

    async def close(self) -> None:
        """End what runs by itself."""
        self.renewal.close()
        self.pool.close()
        await self.link.close()


@dataclass(frozen=True)
class Call:
    """One request for numbers: of which service, by whom, in what form, and what is known.

    is_gone: whether nobody waits for the answer any more.
    """

    service: Service
    access: Access
    accept: str = ""
    if_none_match: str = ""
    is_gone: IsGone = stay


def get_service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def get_access(
    request: Request,
    service: Annotated[Service, Depends(get_service)],
    key: Annotated[str | None, Security(_read_key)],
) -> Access:
    """Who asks; counts as one request. Raises Unauthorized, RateLimited."""
    serving = service.settings.serving
    records, is_readable = _read_records(service)
    access = find_access(request, key, serving, records, datetime.now(UTC))
    if access is None:
        if not is_readable:
            raise NotReady("the API keys cannot be read now; the log of the API has the reason.")
        address = find_address(request)
        await service.limiter.take(f"failures:{address}", serving.limits.failures_per_minute)
        given = "an unknown key" if key is not None else "no key"
        raise Unauthorized(f"{given} was given: send a valid one in the header X-API-Key.")
    request.state.access = access
    if access.requests_per_minute is not None:
        await service.limiter.take(f"key:{access.key_id}", access.requests_per_minute)
    return access


async def get_call(
    request: Request,
    service: Annotated[Service, Depends(get_service)],
    access: Annotated[Access, Depends(get_access)],
) -> Call:
    """What `answers.answer` needs to know of a request. Raises InvalidParameter.

    If-None-Match counts where the answer is what lies under the path. That of a POST is not: RFC
    9110 (13.2.1) lets us ignore the header then, and 412 (13.1.2) would only refuse a reader.
    """
    refuse_repeated([name for name, _ in request.query_params.multi_items()])
    accept, known = (request.headers.get(name, "") for name in ("accept", "if-none-match"))
    known = known if request.method in ("GET", "HEAD") else ""
    return Call(service, access, accept, known, request.is_disconnected)


@dataclass(frozen=True)
class RequireScope:
    """A dependency that lets a request pass if its key has the scope. Raises Forbidden."""

    scope: Scope

    async def __call__(self, access: Annotated[Access, Depends(get_access)]) -> Access:
        if self.scope not in access.scopes:
            given = ", ".join(sorted(access.scopes))
            detail = {"parameter": "X-API-Key", "given": given, "allowed": self.scope}
            raise Forbidden(
                f"this takes a key with the scope {self.scope}; this one has: {given}", [detail]
            )
        return access


def require_scope(scope: Scope) -> RequireScope:
    return RequireScope(scope)


require_key = require_scope("metrics")


def check_access_settings(settings: Settings) -> None:
    """Refuse to start as an API that everybody may read by oversight. Raises UnsafeSettings."""
    serving, path = settings.serving, key_path(settings)
    if any(not (reveal(key).isascii() and reveal(key).strip()) for key in serving.api_keys):
        raise UnsafeSettings(
            "serving.api_keys holds a key that is empty or not ASCII, which no header can carry; "
            "remove it."
        )
    try:
        records = read_keys(path).keys
    except UnreadableKeys as error:
        raise UnsafeSettings(f"{error}; correct it or move it away.") from error
    now = datetime.now(UTC)
    has_key = bool(serving.api_keys) or any(key.state_at(now) == "valid" for key in records)
    if not has_key and not serving.allow_anonymous:
        raise UnsafeSettings(
            f"there is no API key, neither in serving.api_keys nor a valid one in {path}, so "
            "nobody could read. Make one with `web-analytics keys create`, name one with "
            "WEB_ANALYTICS_SERVING__API_KEYS='[\"...\"]', or let everybody read with "
            "WEB_ANALYTICS_SERVING__ALLOW_ANONYMOUS=true."
        )


def _read_records(service: Service) -> tuple[dict[str, KeyRecord], bool]:
    """The keys of the key file, and whether it could be read."""
    try:
        return dict(service.keys.current()), True
    except UnreadableKeys:
        return {}, False
