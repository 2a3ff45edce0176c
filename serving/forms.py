"""The forms of an answer: JSON or CSV, with an ETag, or 304 for who has it already.

From rows as JSON text to a response. The ETag names what was asked, in which form, of which table
versions and how far these go, so it is known without computing anything.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from fastapi import Response

from serving.cache import CachedAnswer, CacheKey

# Another version of the product may give the same question another form.
_VERSION = version("web-analytics")
MEDIA_TYPES = {"json": "application/json", "csv": "text/csv", "html": "text/html"}
JSON, CSV = MEDIA_TYPES["json"], MEDIA_TYPES["csv"]
# A cell that begins so may be run as a formula by the program that opens the file (OWASP, "CSV
# Injection"). Spreadsheets show the apostrophe before it as: this is text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# Everything differs by key, and may be kept only to be asked for again with its ETag.
HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Accept, X-API-Key, Cookie"}


@dataclass(frozen=True)
class Form:
    """What an answer looks like: of which path, with which columns."""

    path: str
    columns: tuple[str, ...]
    is_csv: bool


def choose_form(asked: str | None, accept: str, offered: Sequence[str] = ("json", "csv")) -> str:
    """What the parameter `format` says, or else the header Accept likes best; else the first."""
    if asked is not None:
        return asked
    weights = {MEDIA_TYPES[name]: 0.0 for name in offered}
    for item in accept.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        if name in weights:
            weights[name] = _read_weight(parameters)
    return max(offered, key=lambda name: weights[MEDIA_TYPES[name]])


def make_etag(form: Form, key: CacheKey, meta: Mapping[str, Any]) -> str:
    """Weak: `generated_at` and `cache` may differ where the numbers do not."""
    parts = [_VERSION, form.path, form.columns, form.is_csv, key.question]
    text = json.dumps([*parts, key.versions, meta], sort_keys=True)
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def is_known(etag: str, if_none_match: str) -> bool:
    """Whether the client has this answer (RFC 9110, 13.1.2: compared weakly)."""
    known = {item.strip().removeprefix("W/") for item in if_none_match.split(",")}
    return "*" in known or etag.removeprefix("W/") in known


def give_not_modified(etag: str) -> Response:
    return Response(status_code=304, headers={**HEADERS, "ETag": etag})


def give(form: Form, etag: str, found: CachedAnswer, meta: Mapping[str, Any]) -> Response:
    """The answer. In CSV there is no place for `meta`: the header `X-Meta` has it as JSON."""
    described = json.dumps({**meta, "generated_at": found.generated_at}, separators=(",", ":"))
    headers = {**HEADERS, "ETag": etag}
    if not form.is_csv:
        body = b'{"data":' + found.data + b',"meta":' + described.encode() + b"}"
        return Response(body, media_type=JSON, headers=headers)
    name = form.path.strip("/").split("/")[0]
    headers |= {"X-Meta": described, "Content-Disposition": f'attachment; filename="{name}.csv"'}
    rows = json.loads(found.data)
    columns = list(rows[0]) if rows else list(form.columns)
    return Response(write_csv(columns, rows), media_type=f"{CSV}; charset=utf-8", headers=headers)


def write_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """RFC 4180, with a header line; null is an empty cell, what is nested is JSON text."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_write_cell(row.get(column)) for column in columns] for row in rows)
    return text.getvalue()


def _write_cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def _read_weight(parameters: Iterable[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0


def dump(value: Any) -> bytes:
    """JSON text, compact."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # Text of clients may hold lone surrogates, which UTF-8 has no bytes for.
    return text.encode("utf-8", "replace")
