"""What Silver makes of one JSON value that a client sent: the same casts, in Python.

Used by the event models; `tests/schemas/test_event_models.py` holds them against Spark.
"""

from __future__ import annotations

import json
import math
import re
from datetime import date
from typing import Any

from schemas.event import NOT_IDENTIFIERS

_INT_MIN, _INT_MAX = -(2**31), 2**31 - 1
# Java trims these around numbers and booleans.
_SPACE = "".join(map(chr, range(33)))
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[fFdD]?")
_HEXADECIMAL = re.compile(r"[+-]?0[xX]([0-9a-fA-F]+\.?|[0-9a-fA-F]*\.[0-9a-fA-F]+)[pP][+-]?[0-9]+")
_TRUE, _FALSE = {"t", "true", "y", "yes", "1"}, {"f", "false", "n", "no", "0"}

# A line's end behind a timestamp is passed over, as the client's slip it is.
_EPOCH_MILLIS = re.compile(r"-?[0-9]{1,14}(\r\n|[\r\n])?")
_ISO_WITH_OFFSET = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.][0-9]{1,9})?)?"
    r"(?:[Zz]|[+-]([0-9]{2})(?::?([0-9]{2}))?)(\r\n|[\r\n])?"
)


def read_text(value: Any) -> str | None:
    """Any value as text: objects and lists as JSON, half an emoji as `?`."""
    if value is None:
        return None
    if not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value.encode("utf-8", "replace").decode())


def read_identifier(value: Any) -> str | None:
    """The text, unless it identifies nothing: blank, an object, a list, `undefined`."""
    text = read_text(value)
    if text is None or text.strip(" ").lower() in NOT_IDENTIFIERS:
        return None
    return None if text.startswith(('{"', "{}", "[")) else text


def read_number(value: Any) -> float | None:
    """The number, or null where the text is none or not finite."""
    text = (read_text(value) or "").strip(_SPACE)
    if _HEXADECIMAL.fullmatch(text):
        number = float.fromhex(text)
    elif _DECIMAL.fullmatch(text):
        number = float(text.rstrip("fFdD"))
    else:
        return None
    return number if math.isfinite(number) else None


def read_integer(value: Any) -> int | None:
    """The number without its fraction, or null where it is none or too great for 32 bits."""
    number = read_number(value)
    if number is None or math.floor(number) > _INT_MAX or math.ceil(number) < _INT_MIN:
        return None
    return int(number)


def read_boolean(value: Any) -> bool | None:
    """True or false by any of their usual spellings, else null."""
    text = (read_text(value) or "").strip(_SPACE).lower()
    return True if text in _TRUE else False if text in _FALSE else None


def is_time(text: str) -> bool:
    """ISO-8601 with offset, or epoch milliseconds; a day and an hour that exist."""
    if _EPOCH_MILLIS.fullmatch(text):
        return True
    parts = _ISO_WITH_OFFSET.fullmatch(text)
    if parts is None:
        return False
    year, month, day, hour, minute, second, offset_h, offset_min = (
        int(part or 0) for part in parts.groups()[:8]
    )
    try:
        date(year or 400, month, day)  # Python has no year 0; like 400 it is a leap year
    except ValueError:
        return False
    is_offset = offset_min < 60 and offset_h * 60 + offset_min <= 18 * 60
    return hour < 24 and minute < 60 and second < 60 and is_offset


def has_host(url: str) -> bool:
    """The address is http or https, and names a host."""
    scheme = re.match(r"https?://", url, flags=re.IGNORECASE)
    if scheme is None:
        return False
    authority = re.split("[#?/]", url[scheme.end() :], maxsplit=1)[0]
    return re.sub(r":[0-9]*$", "", authority.rsplit("@", 1)[-1]) != ""
