"""Around the whole app: caps on a request, security headers on every answer, one audit line each.

Plain ASGI, outermost, so that what Starlette answers by itself (404, 500) passes here as well.
A line names the key by its id and the route by its template: paths and query strings may hold
identifiers of people, or a key that somebody pasted there.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.errors import shape_error
from settings.model import ServingSettings

audit = structlog.get_logger("audit")

# A page that needs more says so itself: serving/routes/docs.py, dashboard.py.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_HSTS = "max-age=31536000"
# Asked every few seconds by machines: no line each, and never refused for load.
_PROBES = ("/health/live", "/health/ready", "/metrics")
# Of a time limit that a query also has: the query's own error says more.
_GRACE_S = 5.0


class Guard:
    """The app, guarded."""

    def __init__(self, app: ASGIApp, serving: ServingSettings) -> None:
        self._app = app
        self._limits = serving.limits
        self._is_behind_tls = serving.behind_tls
        longest_s = max(serving.query_timeout_s, serving.sql.timeout_s)
        self._timeout_s = max(serving.limits.request_timeout_s, longest_s + _GRACE_S)
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_at = time.perf_counter()
        scope.setdefault("state", {})
        status = 0

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._add_headers(MutableHeaders(scope=message))
            await send(message)

        try:
            if refusal := self._refuse(scope):
                await refusal(scope, receive, send_guarded)
            else:
                await self._run(scope, self._cap_body(receive), send_guarded, lambda: status)
        finally:
            _write_audit(scope, status, 1000 * (time.perf_counter() - started_at))

    async def _run(self, scope: Scope, receive: Receive, send: Send, status: Any) -> None:
        self._running += 1
        try:
            async with asyncio.timeout(self._timeout_s) as limit:
                await self._app(scope, receive, send)
        except TimeoutError:
            if not limit.expired() or status():
                raise
            message = f"the request took longer than {self._timeout_s:g} s."
            await shape_error(504, "request_timeout", message)(scope, receive, send)
        finally:
            self._running -= 1

    def _refuse(self, scope: Scope) -> Response | None:
        """The answer to a request that is too large, or one too many."""
        limits = self._limits
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdigit() or int(length) > limits.max_body_bytes:
            return _too_large(limits.max_body_bytes)
        if len(scope["query_string"]) > limits.max_query_string_bytes:
            return shape_error(
                414,
                "query_string_too_long",
                f"the query string has {len(scope['query_string'])} bytes; allowed are "
                f"{limits.max_query_string_bytes}.",
            )
        if self._running >= limits.max_concurrent_requests and scope["path"] not in _PROBES:
            message = "As many requests are being answered as may; try again."
            return shape_error(503, "busy", message, headers={"Retry-After": "1"})
        return None

    def _cap_body(self, receive: Receive) -> Receive:
        """Counts what comes without a length given."""
        most, taken = self._limits.max_body_bytes, 0

        async def receive_capped() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise HTTPException(413, f"the body is larger than {most} bytes")
            return message

        return receive_capped

    def _add_headers(self, headers: MutableHeaders) -> None:
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        if self._is_behind_tls:
            headers.setdefault("Strict-Transport-Security", _HSTS)


def find_route(scope: Scope) -> str:
    """The template of the route that was found, such as `/users/{id}`."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else "(none)"


def _write_audit(scope: Scope, status: int, duration_ms: float) -> None:
    access = scope["state"].get("access")
    write = audit.debug if scope["path"] in _PROBES else audit.info
    facts: dict[str, Any] = {
        "key": access.key_id if access else None,
        "method": scope["method"],
        "path": find_route(scope),
        "status": status,
        "ms": round(duration_ms, 1),
    }
    if status in (401, 429) and access is None:
        facts["address"] = scope["client"][0] if scope.get("client") else None
    write("request", **facts)


def _too_large(most: int) -> Response:
    message = f"the body is larger than {most} bytes."
    return shape_error(413, "body_too_large", message, headers={"Connection": "close"})
