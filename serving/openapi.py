"""What every operation of the OpenAPI document has in common, added to what FastAPI makes.

Whatever has the parameter `format` answers as CSV too, and with 304 where a GET knows the answer;
what takes a body or parameters may be sent more than is read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

_CSV = {
    "schema": {"type": "string"},
    "example": "page_path,page_views\r\n/,12\r\n",
}
_ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorAnswer"}}}
_BODY_ERRORS = {
    "400": {"description": "The body is not UTF-8, or too deep.", "content": _ERROR},
    "413": {"description": "The body is larger than allowed.", "content": _ERROR},
}
_TOO_LONG = {"description": "The query string is longer than allowed.", "content": _ERROR}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of the answer you have.",
    "schema": {"type": "string"},
}


def document(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """The document of the app, made at the first call."""
    make = app.openapi

    def make_document() -> dict[str, Any]:
        if app.openapi_schema is None:
            for operations in make()["paths"].values():
                for method, operation in operations.items():
                    _add_forms(method, operation)
                    _add_errors(operation)
        return make()

    return make_document


def _add_forms(method: str, operation: dict[str, Any]) -> None:
    parameters = operation.get("parameters", [])
    if not any(parameter["name"] == "format" for parameter in parameters):
        return
    operation["responses"]["200"]["content"].setdefault("text/csv", _CSV)
    if method == "get":
        operation["responses"]["304"] = {"description": "You have this answer already."}
        parameters.append(_IF_NONE_MATCH)


def _add_errors(operation: dict[str, Any]) -> None:
    """What is answered before the parameters are looked at."""
    if "requestBody" in operation:
        operation["responses"] |= _BODY_ERRORS
    if "parameters" in operation:
        operation["responses"]["414"] = _TOO_LONG
