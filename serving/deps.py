"""What every request needs: the service's parts, and the check of the API key.

`Service` is built once by `serving.app` and kept in `app.state`.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader

from serving.cache import AnswerCache, CachedAnswer
from serving.errors import Unauthorized
from serving.gold_reader import GoldReader
from serving.journeys.definitions import Funnel
from serving.metrics import ServingMetrics
from serving.query_pool import QueryPool
from settings.load import SettingsError, reveal
from settings.model import ServingSettings, Settings

DASHBOARD_COOKIE = "web_analytics_dashboard"
_LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]"}
_FORWARDING_HEADERS = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")

_read_key = APIKeyHeader(name="X-API-Key", auto_error=False, description="A key that may read.")


class UnsafeSettings(SettingsError):
    """The API would be open to everybody without anybody having said so."""


@dataclass
class Service:
    """The parts of one running API."""

    settings: Settings
    reader: GoldReader
    cache: AnswerCache
    pool: QueryPool
    metrics: ServingMetrics
    flights: dict[str, asyncio.Task[CachedAnswer]] = field(default_factory=dict)
    is_warm: bool = False
    funnels: dict[str, Funnel] = field(default_factory=dict)


def get_service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def require_key(
    request: Request,
    service: Annotated[Service, Depends(get_service)],
    key: Annotated[str | None, Security(_read_key)],
) -> None:
    """Let the request pass if it may read. Raises Unauthorized."""
    serving = service.settings.serving
    if serving.allow_anonymous:
        return
    if key is not None and _is_known(key, serving):
        return
    if is_own_dashboard(request, serving) and _has_dashboard_cookie(request, serving):
        return
    given = "an unknown key" if key is not None else "no key"
    raise Unauthorized(f"{given} was given: send a valid one in the header X-API-Key.")


def check_access_settings(serving: ServingSettings) -> None:
    """Refuse to start as an API that everybody may read by oversight. Raises UnsafeSettings."""
    if not serving.api_keys and not serving.allow_anonymous:
        raise UnsafeSettings(
            "serving.api_keys is empty, so nobody could read. Name keys with "
            "WEB_ANALYTICS_SERVING__API_KEYS='[\"...\"]', or let everybody read with "
            "WEB_ANALYTICS_SERVING__ALLOW_ANONYMOUS=true."
        )
    if any(not (reveal(key).isascii() and reveal(key).strip()) for key in serving.api_keys):
        raise UnsafeSettings(
            "serving.api_keys holds a key that is empty or not ASCII, which no header can carry; "
            "remove it."
        )


def is_own_dashboard(request: Request, serving: ServingSettings) -> bool:
    """Whether a browser on this very machine asks, under a name that only this machine has.

    The Host header matters: a page of another site may have its own name point here. So does
    everything a proxy adds: through one, everybody seems to be on this machine.
    """
    if not serving.local_dashboard or not serving.api_keys or request.client is None:
        return False
    if any(header in request.headers for header in _FORWARDING_HEADERS):
        return False
    host, _, port = request.headers.get("host", "").rpartition(":")
    if not port.isdigit():
        host = request.headers.get("host", "")
    return host.lower() in _LOCAL_HOSTS and _is_loopback(request.client.host)


def make_dashboard_token(serving: ServingSettings) -> str:
    """What the cookie holds: cookies go to every port of a host, so not the key itself."""
    key = reveal(serving.api_keys[0])
    return hmac.new(key.encode(), b"local dashboard", hashlib.sha256).hexdigest()


def _has_dashboard_cookie(request: Request, serving: ServingSettings) -> bool:
    given = request.cookies.get(DASHBOARD_COOKIE, "")
    return _is_same(given, make_dashboard_token(serving))


def _is_known(key: str, serving: ServingSettings) -> bool:
    # All are compared, so that the time taken does not tell which was nearly right.
    return sum([_is_same(key, reveal(known)) for known in serving.api_keys]) > 0


def _is_same(given: str, known: str) -> bool:
    # Digests: compare_digest takes time by length, and only ASCII text.
    digests = [hashlib.sha256(text.encode("utf-8", "replace")).digest() for text in (given, known)]
    return hmac.compare_digest(*digests)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
