"""The types of the event's fields: how a value is read, what it must meet, and its JSON Schema.

From the casts of `schemas/event_values.py` to `schemas/event_models.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from schemas.event import DEFAULT_SITE, MAX_IDENTIFIER_LENGTH
from schemas.event_values import (
    has_host,
    is_time,
    read_boolean,
    read_identifier,
    read_integer,
    read_number,
    read_text,
)
from schemas.reject import RejectReason


@dataclass(frozen=True)
class Kind:
    """What a field holds, with a number's closed range: its type in Silver, and in the docs."""

    name: Literal["identifier", "text", "object", "time", "integer", "number", "boolean"]
    low: float | None = None
    high: float | None = None


def reject(reason: RejectReason, text: str) -> PydanticCustomError:
    # Text of our own making; a template must be a literal, so that no client text is one.
    return PydanticCustomError(reason, "{text}", {"text": text})


def _required(value: str | None) -> str:
    if not value:
        raise reject(RejectReason.MISSING_FIELD, "required")
    return value


def _check_length(value: str | None) -> str | None:
    if value is not None and len(value) > MAX_IDENTIFIER_LENGTH:
        raise reject(RejectReason.INVALID_LENGTH, f"over {MAX_IDENTIFIER_LENGTH} characters")
    return value


def _check_time(value: Any) -> str | None:
    text = read_text(value) or None
    if text is not None and not is_time(text):
        raise reject(RejectReason.INVALID_TIMESTAMP, "no ISO-8601 with offset, no epoch ms")
    return text


def _check_url(value: str) -> str:
    if not has_host(value):
        raise reject(RejectReason.INVALID_URL, "no absolute http or https URL")
    return value


def _number_from(
    low: float | None, high: float | None, *, is_required: bool = False
) -> BeforeValidator:
    def check(value: Any) -> float | None:
        if value is None or (is_required and value == ""):
            if is_required:
                raise reject(RejectReason.MISSING_FIELD, "required")
            return None
        number = read_number(value)
        is_low = number is not None and low is not None and number < low
        is_high = number is not None and high is not None and number > high
        if number is None or is_low or is_high:
            raise reject(RejectReason.INVALID_NUMBER, "no finite number of the field's range")
        return number

    return BeforeValidator(check)


_TIME_SCHEMA = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "integer"}]}
_ID_SCHEMA = {"type": "string", "minLength": 1, "maxLength": MAX_IDENTIFIER_LENGTH}

Identifier = Annotated[
    str | None,
    Kind("identifier"),
    BeforeValidator(read_identifier),
    AfterValidator(_check_length),
    WithJsonSchema(_ID_SCHEMA),
]
RequiredIdentifier = Annotated[
    str,
    Kind("identifier"),
    BeforeValidator(lambda value: _required(read_identifier(value))),
    AfterValidator(_check_length),
    WithJsonSchema(_ID_SCHEMA),
]
Text = Annotated[
    str | None, Kind("text"), BeforeValidator(read_text), WithJsonSchema({"type": "string"})
]
RequiredText = Annotated[
    str,
    Kind("text"),
    BeforeValidator(lambda value: _required(read_text(value))),
    WithJsonSchema({"type": "string", "minLength": 1}),
]
Site = Annotated[
    str,
    Kind("text"),
    BeforeValidator(lambda value: read_text(value) or DEFAULT_SITE),
    WithJsonSchema({"type": "string"}),
]
Time = Annotated[
    str | None, Kind("time"), BeforeValidator(_check_time), WithJsonSchema(_TIME_SCHEMA)
]
RequiredTime = Annotated[
    str,
    Kind("time"),
    BeforeValidator(lambda value: _required(_check_time(value))),
    WithJsonSchema(_TIME_SCHEMA),
]
Url = Annotated[
    str,
    Kind("text"),
    BeforeValidator(lambda value: _required(read_text(value))),
    AfterValidator(_check_url),
    WithJsonSchema({"type": "string", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://[^/?#@:\\s]"}),
]
Integer = Annotated[
    int | None,
    Kind("integer"),
    BeforeValidator(read_integer),
    WithJsonSchema({"type": "integer"}),
]
Boolean = Annotated[
    bool | None,
    Kind("boolean"),
    BeforeValidator(read_boolean),
    WithJsonSchema({"type": "boolean"}),
]
Number = Annotated[
    float | None, Kind("number"), _number_from(None, None), WithJsonSchema({"type": "number"})
]
Positive = Annotated[
    float | None,
    Kind("number", 0),
    _number_from(0, None),
    WithJsonSchema({"type": "number", "minimum": 0}),
]
_PERCENT_SCHEMA = {"type": "number", "minimum": 0, "maximum": 100}
Percent = Annotated[
    float | None, Kind("number", 0, 100), _number_from(0, 100), WithJsonSchema(_PERCENT_SCHEMA)
]
RequiredPercent = Annotated[
    float,
    Kind("number", 0, 100),
    _number_from(0, 100, is_required=True),
    WithJsonSchema(_PERCENT_SCHEMA),
]
Properties = Annotated[Any, Kind("object"), WithJsonSchema({"type": "object"})]
