"""Every error the API answers with: one table from exception to status, one shape for all.

`{"error": {"type", "message", "details"}}`, without stack traces; what is unexpected is logged
here and answered as `internal`.
"""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from serving.known_keys import list_keys

log = structlog.get_logger()

_SHOWN_LENGTH = 200


class ServingError(Exception):
    """An error that is the answer to a request."""

    def __init__(
        self, message: str, details: list[dict[str, Any]] | None = None, retry_after_s: int = 0
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = details or []
        self.retry_after_s = retry_after_s


class Unauthorized(ServingError):
    """No key, or one that nobody knows."""


class Forbidden(ServingError):
    """The key is known and may not do this, or not see this site."""


class RateLimited(ServingError):
    """More requests than a key, or an address without one, may make."""


class InvalidParameter(ServingError):
    """A parameter that only makes no sense together with others."""


class NotFound(ServingError):
    """Nothing has the name or id that was asked for."""


class NotReady(ServingError):
    """The tables are not there yet, or cannot be read now."""


class Busy(ServingError):
    """As many queries wait as may."""


class QueryTimeout(ServingError):
    """A query took longer than `serving.query_timeout_s`."""


class QueryFailed(ServingError):
    """Spark could not run the query; the log has the reason."""


class VersionGone(QueryFailed):
    """Files of the table version that was asked for are deleted."""


class ClientGone(ServingError):
    """Nobody waits for the answer any more: its query has been stopped."""


class SqlRefused(ServingError):
    """The guard does not let a statement run: `details` say which construct, and where."""


class SqlInvalid(ServingError):
    """Spark says that a statement is wrong, or failed on the data: what and where."""


class SqlTooHeavy(ServingError):
    """A statement needed more memory or disk than it may have."""


STATUS: dict[type[ServingError], tuple[int, str]] = {
    Unauthorized: (401, "unauthorized"),
    Forbidden: (403, "forbidden"),
    RateLimited: (429, "rate_limited"),
    InvalidParameter: (422, "invalid_parameter"),
    NotFound: (404, "not_found"),
    NotReady: (503, "not_ready"),
    Busy: (503, "busy"),
    QueryTimeout: (504, "query_timeout"),
    QueryFailed: (500, "internal"),
    VersionGone: (500, "internal"),
    ClientGone: (499, "client_gone"),  # only the log sees it
    SqlRefused: (422, "sql_refused"),
    SqlInvalid: (422, "sql_invalid"),
    SqlTooHeavy: (422, "sql_too_heavy"),
}
HTTP_TYPES = {
    400: "unreadable_body",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
}


def install_error_handlers(app: FastAPI) -> None:
    app.add_exception_handler(ServingError, _answer_serving_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid_request)
    app.add_exception_handler(HTTPException, _answer_http_error)
    app.add_exception_handler(Exception, _answer_unexpected)


def shape_error(
    status: int,
    type_: str,
    message: str,
    details: list[dict[str, Any]] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    body = {"error": {"type": type_, "message": message, "details": details or []}}
    return JSONResponse(jsonable_encoder(body), status_code=status, headers=headers)


async def _answer_serving_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ServingError)
    status, type_ = STATUS[type(error)]
    headers = {}
    if status == 500:
        log.error("request_failed", path=_find_route(request), exc_info=error)
    if status in (429, 503):
        headers["Retry-After"] = str(error.retry_after_s or 1)
    if status == 401:
        headers["WWW-Authenticate"] = "ApiKey"
    return shape_error(status, type_, error.message, error.details, headers)


async def _answer_invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    details = [_describe(request, item) for item in error.errors()]
    message = "; ".join(
        f"{item['parameter']}: given {item['given']!r}, allowed: {item['allowed']}"
        for item in details
    )
    return shape_error(422, "invalid_parameter", message, details)


async def _answer_http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    message = f"{request.method} {request.url.path}: {error.detail}"
    type_ = HTTP_TYPES.get(error.status_code, "http_error")
    headers = dict(error.headers or {})
    return shape_error(error.status_code, type_, message, headers=headers)


async def _answer_unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("request_failed", path=_find_route(request), exc_info=error)
    return shape_error(500, "internal", "The request failed; the log of the API has the reason.")


def _find_route(request: Request) -> str | None:
    """The route's template: the path itself may hold the identifier of a person."""
    return getattr(request.scope.get("route"), "path", None)


def _describe(request: Request, item: Any) -> dict[str, str]:
    """Which parameter, what was given, what is allowed."""
    parameter = ".".join(str(part) for part in item["loc"][1:]) or "query"
    allowed = item["msg"]
    if item["type"] == "extra_forbidden":
        is_body = item["loc"][0] == "body"
        names = _body_keys(request, item["loc"]) if is_body else _parameter_names(request)
        allowed = "only the parameters " + ", ".join(names)
    given = item.get("input")
    given = ",".join(map(str, given)) if isinstance(given, list) else str(given)
    return {"parameter": parameter, "given": given[:_SHOWN_LENGTH], "allowed": allowed}


def _parameter_names(request: Request) -> list[str]:
    for field in request.scope["route"].dependant.query_params:
        model = field.field_info.annotation
        if hasattr(model, "model_fields"):
            return sorted(model.model_fields)
    return []


def _body_keys(request: Request, location: tuple[int | str, ...]) -> list[str]:
    """The keys that the request's body takes in the place of the one that nobody knows."""
    (field,) = request.scope["route"].dependant.body_params
    return list_keys(field.field_info.annotation, location[1:-1])
