"""How a report is answered: every section as its endpoint would answer it, from the same versions.

From a `Report` and the parameters of a request to a response. Sections come from the cache like any
answer, one after the other, so that a report never takes more than one place among the queries.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from serving.answers import read_versions
from serving.deps import Call
from serving.finding import Found, find
from serving.forms import (
    HEADERS,
    MEDIA_TYPES,
    Form,
    choose_form,
    dump,
    give_not_modified,
    is_known,
    make_etag,
    write_csv,
)
from serving.param_types import Name, Time, parse_zone
from serving.params import CommonParams
from serving.preparing import Prepared, ask_endpoint, prepare
from serving.queries import find_keys
from serving.reports.definitions import Report
from serving.reports.page import PAGE_POLICY, render_page
from serving.reports.periods import resolve_period
from serving.reports.rows import (
    CSV_COLUMNS,
    Answered,
    Span,
    describe_part,
    list_values,
    make_part,
)
from serving.selection import Selection
from serving.zones import shift_back

ROUTE = "/reports/{name}"
FORMS = ("json", "csv", "html")
# Of several sections' `meta.cache`: the answer as a whole is no better than the worst.
_WORST_FIRST = ("miss", "bypass", "hit")


class ReportParams(BaseModel):
    """Parameters of a report; what else there is to say is in its definition."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start: Time | None = Field(
        None, description="Included. Default: the report's period; with `end`, 7 days before it."
    )
    end: Time | None = Field(
        None, description="Excluded. Default: the report's period; with `start`, the coming hour."
    )
    site_id: Name | None = Field(None, description="One site. Default: all that the key may see.")
    include_bots: bool = Field(False, description="Count automated traffic too.")
    timezone: Annotated[str | None, BeforeValidator(parse_zone)] = Field(
        None,
        description="IANA name: whose days are meant. Default: the site's (setting `timezones`), "
        "else UTC.",
    )
    format: Literal["json", "csv", "html"] | None = Field(
        None, description="Form of the answer; also by the header Accept. Default: json."
    )

    @property
    def common(self) -> dict[str, Any]:
        """What was given of the parameters that every endpoint has."""
        return self.model_dump(exclude={"format"}, exclude_unset=True)


async def answer_report(call: Call, name: str, report: Report, params: ReportParams) -> Response:
    """Answer a request for a report. Raises ServingError."""
    service = call.service
    states, now = await read_versions(service)
    prepared = []
    for section, selection in zip(
        report.sections, select_sections(call, report, params, now), strict=True
    ):
        question = ask_endpoint(section.asked, selection.timezone)
        prepared.append(prepare(call, question, selection, states, now))
    form = choose_form(params.format, call.accept, FORMS)
    etag = _make_report_etag(report, form, prepared)
    if is_known(etag, call.if_none_match):
        service.metrics.cache_answers.labels(ROUTE, "not_modified").inc()
        return give_not_modified(etag)
    found = [await find(call, each) for each in prepared]
    site = params.site_id or ", ".join(sorted(call.access.sites or ())) or "all sites"
    # Away from the event loop: a report may have thousands of rows.
    return await asyncio.to_thread(
        lambda: _give(form, etag, _assemble(name, report, site, prepared, found))
    )


def select_sections(
    call: Call, report: Report, params: ReportParams, now: datetime
) -> list[Selection]:
    """What each section is about: all the same two ranges. Raises InvalidParameter."""
    general = CommonParams(**params.common)
    zone = general.in_zone_of(call.service.settings.timezones, call.access.sites).timezone
    common = {**params.common, "timezone": zone}
    previous = None
    if params.start is None and params.end is None:
        (common["start"], common["end"]), previous = resolve_period(report.period, now, zone)
    selections = [section.make_params(common).select(now) for section in report.sections]
    previous = previous or shift_back(selections[0].start, selections[0].end, zone)
    return [replace(selection, previous=previous) for selection in selections]


def _make_report_etag(report: Report, form: str, prepared: list[Prepared]) -> str:
    """Of the sections' own, which name their versions."""
    parts = [form, report.model_dump_json()]
    for each in prepared:
        shape = Form(ROUTE, each.statement.columns, is_csv=False)
        parts.append(make_etag(shape, each.key, each.meta))
    return f'W/"{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]}"'


def _assemble(
    name: str, report: Report, site: str, prepared: list[Prepared], found: list[Found]
) -> Answered:
    first = prepared[0].selection
    assert first.previous
    span = Span((first.start, first.end), first.previous, first.timezone)
    parts = []
    for section, each, one in zip(report.sections, prepared, found, strict=True):
        bucket = ("bucket",) if section.interval else ()
        keys = (*bucket, *find_keys(section.asked, each.selection))
        parts.append(make_part(section, keys, json.loads(one.answer.data), span))
    meta = _merge_meta(prepared, found) | {"report": name, "title": report.title}
    return Answered(name, report, site, first.include_bots, span, tuple(parts), meta)


def _merge_meta(prepared: list[Prepared], found: list[Found]) -> dict[str, Any]:
    """One `meta` for all sections: how far all of them go, and the oldest computation."""
    merged = dict(prepared[0].meta)
    for name in ("as_of", "complete_until"):
        times = [each.meta[name] for each in prepared]
        merged[name] = min(times) if all(times) else None
    merged["versions"] = {
        table: version for each in prepared for table, version in each.meta["versions"].items()
    }
    merged["generated_at"] = min(one.answer.generated_at for one in found)
    merged["cache"] = min((one.cache for one in found), key=_WORST_FIRST.index)
    return merged


def _give(form: str, etag: str, answered: Answered) -> Response:
    headers = {**HEADERS, "ETag": etag}
    media_type = MEDIA_TYPES[form]
    if form == "json":
        data = [describe_part(part) for part in answered.parts]
        return Response(dump({"data": data, "meta": answered.meta}), 200, headers, media_type)
    headers["X-Meta"] = json.dumps(answered.meta, separators=(",", ":"))
    media_type += "; charset=utf-8"
    if form == "csv":
        headers["Content-Disposition"] = f'attachment; filename="{answered.name}.csv"'
        text = write_csv(CSV_COLUMNS, list_values(answered))
        return Response(text, 200, headers, media_type)
    headers["Content-Security-Policy"] = PAGE_POLICY
    return Response(render_page(answered), 200, headers, media_type)
