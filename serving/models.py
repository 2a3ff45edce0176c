"""Response models, made from the endpoint declarations: for OpenAPI, and for whoever reads it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field, create_model

from schemas.table import Metric
from serving.endpoint import Endpoint

_TYPES: dict[str, Any] = {"count": int, "money": float, "text": str | None}
_DIMENSION_HELP = {
    "page_path": "Path of the page, as sent, without query and fragment.",
    "channel": "Channel group.",
    "source": "Source; `(direct)` where there was none.",
    "medium": "Medium; `(none)` where there was none.",
    "campaign": "Campaign; null where none was named.",
    "device_type": "Class of device.",
    "browser": "Browser.",
    "os": "Operating system.",
    "country": "ISO-3166 code; null where not known.",
    "city": "City; null where not known.",
    "metric": "What was measured, by the name of the event's field.",
    "event_name": "Name of the event; its type where it has none.",
}


class ComparedRange(BaseModel):
    """The period that `_previous` is of."""

    start: datetime
    end: datetime


class Meta(BaseModel):
    """What an answer is about and what it was made from."""

    start: datetime = Field(description="Included.")
    end: datetime = Field(description="Excluded.")
    generated_at: datetime = Field(description="When the rows were computed.")
    as_of: datetime | None = Field(description="Event time up to which data is in.")
    complete_until: datetime | None = Field(description="Event time up to which sessions closed.")
    cache: Literal["hit", "miss", "bypass"] = Field(description="bypass: there is no cache.")
    versions: dict[str, int] = Field(description="Version of each table that was read.")
    timezone: str | None = Field(None, description="Of the buckets; only if not UTC.")
    compare: ComparedRange | None = Field(None, description="Only with `compare`.")


class ErrorBody(BaseModel):
    type: str
    message: str
    details: list[dict[str, Any]]


class ErrorAnswer(BaseModel):
    """Every error has this form."""

    error: ErrorBody


ERROR_ANSWERS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorAnswer, "description": text}
    for status, text in {
        401: "No key, or an unknown one.",
        403: "The key may not do this, or not see this site.",
        422: "A parameter is not allowed: which, what was given, what is allowed.",
        429: "More requests than this key may make; see Retry-After.",
        503: "The tables are not there yet, or too many queries wait; see Retry-After.",
        504: "The query took too long.",
    }.items()
}


def make_answer_model(endpoint: Endpoint) -> type[BaseModel]:
    """`{"data": [row], "meta": {...}}` of an endpoint."""
    fields: dict[str, Any] = {}
    if endpoint.kinds:
        kinds = Literal[tuple(endpoint.kinds)]  # type: ignore[valid-type]  # mypy wants literals
        fields["kind"] = (kinds, Field(description="What the row is about."))
    only = "in rows of kind `minute`" if endpoint.kinds else "with `interval`"
    fields["bucket"] = (datetime | None, Field(None, description=f"Start; only {only}."))
    for dimension in endpoint.dimensions:
        help_text = _DIMENSION_HELP[dimension]
        fields[dimension] = (str | None, Field(None, description=help_text))
    for column, metric in endpoint.all_metrics.items():
        fields[column] = _make_field(metric)
    row = create_model(f"{endpoint.name}Row", **fields)
    return create_model(f"{endpoint.name}Answer", data=(list[row], ...), meta=(Meta, ...))


def _make_field(metric: Metric) -> tuple[Any, Any]:
    type_ = _TYPES.get(metric.unit, float | None)
    unit = "" if metric.unit in ("count", "ratio", "money", "text") else f" Unit: {metric.unit}."
    return type_, Field(description=metric.help + unit)
