"""How a request for numbers is answered: versions -> cache -> one Spark SQL statement -> shape.

From validated parameters to the response, by `serving/preparing.py` and `serving/finding.py`; an
answer always says which table versions it was made from.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from fastapi import Response

from serving.deps import Call, Service
from serving.endpoint import Endpoint
from serving.finding import find
from serving.forms import Form, choose_form, give, give_not_modified, is_known, make_etag
from serving.gold_reader import States
from serving.params import CommonParams, MetricParams
from serving.past import PastView, find_moment, read_past, require_past
from serving.preparing import Question, ask_endpoint, prepare


async def answer(call: Call, endpoint: Endpoint, params: MetricParams) -> Response:
    """Answer a request for declared metrics. Raises ServingError."""
    if isinstance(params, CommonParams):
        params = params.in_zone_of(call.service.settings.timezones, call.access.sites)
    timezone = getattr(params, "timezone", None)
    return await answer_question(call, ask_endpoint(endpoint, timezone), params)


async def answer_question(call: Call, question: Question, params: MetricParams) -> Response:
    """Answer one request. Raises ServingError."""
    service = call.service
    states, now = await read_versions(service)
    view = None
    if params.past is not None:
        require_past(params.past, now)
        states, gaps = await asyncio.to_thread(read_past, service.reader, params.past, states)
        view = PastView(params.past, gaps)
    selection = params.select(find_moment(params.past, now))
    prepared = prepare(call, question, selection, states, now, view)
    is_csv = choose_form(params.format, call.accept) == "csv"
    form = Form(question.path, prepared.statement.columns, is_csv)
    etag = make_etag(form, prepared.key, prepared.meta)
    if is_known(etag, call.if_none_match):
        return _give_known(service, question, etag)
    found = await find(call, prepared, may_be_earlier=True)
    meta = prepared.meta
    if found.earlier:
        meta = {**meta, **found.answer.told}
        etag = make_etag(form, found.earlier, meta)
        if is_known(etag, call.if_none_match):
            return _give_known(service, question, etag)
    return give(form, etag, found.answer, {**meta, "cache": found.cache})


def _give_known(service: Service, question: Question, etag: str) -> Response:
    service.metrics.cache_answers.labels(question.path, "not_modified").inc()
    return give_not_modified(etag)


async def read_versions(service: Service) -> tuple[States, datetime]:
    """The tables as they are now, and the time. Raises NotReady."""
    states = await asyncio.to_thread(service.reader.read_states)
    # After the versions: see split_range.
    return states, datetime.now(UTC)
