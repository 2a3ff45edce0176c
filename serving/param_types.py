"""Forms of query parameters: times, zones, names, versions of tables.

From the text of a parameter to its value; what is not allowed is refused with what is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from schemas.event import MAX_IDENTIFIER_LENGTH
from serving.errors import InvalidParameter
from serving.gold_reader import TABLES
from serving.zones import list_zones

_MAX_TEXT_LENGTH = 8192
# The parameters that may be repeated.
_LISTS = ("group_by", "versions")
_YEARS = range(1970, 2101)
TIME_HELP = (
    "a date (2015-05-17) or an ISO-8601 timestamp (2015-05-17T10:05:03Z; UTC where it names "
    f"neither offset nor `timezone`), {_YEARS.start} to {_YEARS.stop - 1}"
)
_VERSION = re.compile(r"([a-z]+\.[a-z_]+):\d{1,18}")
VERSIONS_HELP = (
    "`table:version`, each table once, comma-separated or repeated; tables: " + ", ".join(TABLES)
)
# A `+` that was not escaped in the URL arrives as a space.
_UNESCAPED_OFFSET = re.compile(r" (\d\d:?\d\d)$")


def parse_time(text: object) -> object:
    """A date (its midnight) or an ISO-8601 timestamp, in UTC if it names an offset."""
    if isinstance(text, datetime) or text is None:
        return text
    try:
        time = datetime.fromisoformat(_UNESCAPED_OFFSET.sub(r"+\1", str(text)))
        time = time.astimezone(UTC) if time.tzinfo else time
    except (ValueError, OverflowError):
        raise PydanticCustomError("time", TIME_HELP) from None
    if time.year not in _YEARS:
        raise PydanticCustomError("time", TIME_HELP)
    return time


def parse_zone(text: object) -> object:
    """The name of a time zone; none for UTC."""
    if text is None or text == "UTC":
        return None
    if text not in list_zones():
        raise PydanticCustomError("timezone", "an IANA time zone, such as Europe/Berlin, or UTC")
    return text


def split_versions(given: object) -> object:
    """`gold.pages:12,gold.sessions:7`, or the same repeated, as a tuple."""
    if given is None:
        return None
    parts = given if isinstance(given, list | tuple) else [given]
    texts = [text.strip() for part in parts for text in str(part).split(",")]
    found = [_VERSION.fullmatch(text) for text in texts]
    tables = [matched[1] for matched in found if matched]
    if len(tables) < len(texts) or len(set(tables)) < len(tables) or not set(tables) <= {*TABLES}:
        raise PydanticCustomError("versions", VERSIONS_HELP)
    return tuple(texts)


def refuse_repeated(names: Sequence[str]) -> None:
    """Whoever asks for two sites must not get one. Raises InvalidParameter."""
    for name in names:
        if name not in _LISTS and (times := names.count(name)) > 1:
            detail = {"parameter": name, "given": f"{times} times", "allowed": "once"}
            raise InvalidParameter(f"{name}: given {times} times, allowed: once", [detail])


Time = Annotated[datetime, BeforeValidator(parse_time, json_schema_input_type=str)]
Name = Annotated[str, Field(min_length=1, max_length=MAX_IDENTIFIER_LENGTH)]


Text = Annotated[str, Field(min_length=1, max_length=_MAX_TEXT_LENGTH)]
