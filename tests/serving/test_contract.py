"""Requests made up from the OpenAPI document: no 5xx, and every answer as the document says.

Schemathesis makes them, some that fit the document and some that do not, the same in each run;
docs/query.md has the command for more. Statements run in the engine of the process for SQL.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from threading import Thread
from typing import Any

import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, event, given
from hypothesis import settings as examples
from schemathesis import Case, GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.core import NOT_SET
from schemathesis.schemas import BaseSchema

from embedded.ports import LOOPBACK, find_free_port
from serving.app import create_app
from serving.gold_reader import GoldReader
from serving.sql.engine import SqlEngine
from serving.sql.pool import read_answer
from serving.sql.request import SqlRequest
from serving.sql.worker import answer_request
from settings.model import LimitSettings
from tests.serving.fakes import FakePool, FakeReader, make_settings
from tests.serving.test_matrix import BODIES, WHOLE_HOURS

KEY = {"X-API-Key": "k"}
EXAMPLES = 8
WARM_UP_TIMEOUT_S = 120
# A report asks a dozen questions; on a busy machine the first of its kind takes long.
PATIENCE_S = 120
PATH_PARAMETERS = {
    "/users/{id}": {"id": "visitor-3"},
    "/funnels/{name}": {"name": "purchase"},
    "/reports/{name}": {"name": "weekly"},
}
# What a document cannot say, so that most requests come as far as the tables.
VALUES: dict[str, list[str]] = {
    "query.start": ["2015-05-17", "2015-05-18T10:30:00Z", "2015-05-20T01:00:00+05:30"],
    "query.end": ["2015-05-20T12:00:00Z", "2015-05-21"],
    "query.timezone": ["UTC", "Europe/Berlin", "Asia/Kathmandu"],
    "query.site_id": ["blog", "shop"],
    "query.page_path": ["/page/1"],
    "path.id": ["visitor-3", "user-one"],
    "path.name": ["purchase", "weekly"],
    "body.sql": [
        "SELECT * FROM gold.pages",
        "SELECT event_time AS t, t FROM silver.events",
        "DROP",
    ],
}
REFUSALS = [400, 401, 403, 404, 405, 413, 414, 422]
CONFIG = SchemathesisConfig.from_dict(
    {
        "dictionaries": {name: {"values": values} for name, values in VALUES.items()},
        "parameters": {name: {"dictionary": name, "probability": 0.7} for name in VALUES},
        # HTTP has none of these in a header: the server answers before the API.
        "generation": {"exclude-header-characters": "".join(map(chr, (*range(32), 127)))},
        # That start is before end, a time zone known or a statement right, no document says.
        "checks": {
            "positive_data_acceptance": {"enabled": False},
            "negative_data_rejection": {"expected-statuses": REFUSALS},
        },
    }
)


def list_operations() -> list[tuple[str, str]]:
    paths = create_app(make_settings(), FakeReader()).openapi()["paths"]
    return [(path, method) for path, operations in paths.items() for method in operations]


OPERATIONS = list_operations()


class EnginePool(FakePool):
    """Statements one after the other, as the process for SQL runs them, but in this process."""

    def __init__(self, engine: SqlEngine) -> None:
        super().__init__()
        self._engine, self._thread = engine, ThreadPoolExecutor(1)

    async def run(self, request: SqlRequest) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        asked = self._thread, answer_request, self._engine, asdict(request)
        return read_answer(await loop.run_in_executor(*asked))


@pytest.fixture(scope="module")
def document(reader: GoldReader, engine: SqlEngine) -> Iterator[BaseSchema]:
    """The document of an API that runs in a thread; over HTTP, as clients have it."""
    # Each answer is also asked for without a key.
    limits = LimitSettings(failures_per_minute=100_000)
    settings = make_settings(
        allow_anonymous=False, api_keys=("k",), query_timeout_s=300, limits=limits
    )
    app = create_app(settings, reader)
    port = find_free_port()
    server = uvicorn.Server(uvicorn.Config(app, host=LOOPBACK, port=port, log_config=None))
    thread = Thread(target=server.run)
    thread.start()
    try:
        url = f"http://{LOOPBACK}:{port}"
        wait_until_ready(url, thread)
        app.state.sql_pool = EnginePool(engine)
        yield schemathesis.openapi.from_url(f"{url}/openapi.json", config=CONFIG)
    finally:
        server.should_exit = True
        thread.join()


def wait_until_ready(url: str, thread: Thread) -> None:
    deadline = time.monotonic() + WARM_UP_TIMEOUT_S
    while True:
        assert thread.is_alive()
        assert time.monotonic() < deadline, "the API does not warm up"
        with suppress(httpx.TransportError):  # it does not listen yet
            if httpx.get(f"{url}/health/ready").status_code == 200:
                return
        time.sleep(0.1)


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_rows_are_as_documented(document: BaseSchema, path: str, method: str) -> None:
    """In every form that the operation has, of days that have rows in all tables."""
    operation = document[path][method]
    known = {parameter.name for parameter in operation.query}
    whole = {name: value for name, value in WHOLE_HOURS.items() if name in known}
    further = {"interval": "day", "compare": "previous", "format": "csv", "include_bots": "true"}
    further["as_of"] = datetime.now(UTC).isoformat()
    for query in (whole, *({**whole, name: further[name]} for name in further.keys() & known)):
        case = operation.Case(
            path_parameters=PATH_PARAMETERS.get(path),
            query=query,
            body=BODIES.get(path, NOT_SET) if method == "post" else NOT_SET,
            media_type="application/json" if method == "post" else None,
        )
        assert case.call_and_validate(headers=KEY, timeout=PATIENCE_S).status_code == 200


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_answer_is_as_documented(
    document: BaseSchema, path: str, method: str, mode: GenerationMode
) -> None:
    operation = document[path][method]
    if mode.is_negative and not (operation.query or operation.path_parameters or operation.body):
        return  # there is nothing to get wrong

    @examples(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Case) -> None:
        event(f"status {case.call_and_validate(headers=KEY, timeout=PATIENCE_S).status_code}")

    ask()
