"""`POST /query`: one read-only SELECT over Silver and Gold; `GET /query/schema`: what there is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from serving.access import Access
from serving.deps import Service, get_access, get_service, require_scope
from serving.errors import NotReady, ServingError
from serving.flights import wait_while_connected
from serving.forms import dump
from serving.freshness import format_time
from serving.gold_reader import States
from serving.models import ERROR_ANSWERS
from serving.params import MAX_ROWS
from serving.preparing import NOT_READY_RETRY_S
from serving.sql.answer import name_uniquely
from serving.sql.pool import SqlPool
from serving.sql.request import SqlRequest
from serving.sql.schema import TableSchema, describe_tables
from serving.sql.tables import READABLE

DEFAULT_ROWS = 1_000
_EXAMPLE = (
    "SELECT page_path, sum(page_views) AS views,\n"
    "       hll_sketch_estimate(hll_union_agg(visitors)) AS visitors\n"
    "FROM gold.pages WHERE NOT is_bot AND date >= current_date - INTERVAL 7 DAYS\n"
    "GROUP BY page_path ORDER BY views DESC LIMIT 10"
)


@asynccontextmanager
async def _run_pool(app: FastAPI) -> AsyncIterator[None]:
    app.state.sql_pool = SqlPool(app.state.service.settings)
    yield
    await app.state.sql_pool.close()


router = APIRouter(
    prefix="/query",
    tags=["sql"],
    dependencies=[Depends(require_scope("query"))],
    responses=ERROR_ANSWERS,
    lifespan=_run_pool,
)


class SqlQuery(BaseModel):
    """One SELECT (also WITH, VALUES, UNION ...) in Spark SQL."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"sql": _EXAMPLE}})

    sql: str = Field(min_length=1, description="One statement that only reads; see docs/sql.md.")
    limit: int = Field(DEFAULT_ROWS, ge=1, le=MAX_ROWS, description="Most rows to give.")


class SqlColumn(BaseModel):
    name: str = Field(description="As the statement names it; several may be called the same.")
    type: str = Field(description="Spark SQL type, as `array<string>`.")


class SqlMeta(BaseModel):
    generated_at: datetime = Field(description="When the rows were computed.")
    versions: dict[str, int] = Field(description="Version of each table that was read.")
    elapsed_ms: int = Field(description="Time the statement took, waiting not included.")


class SqlAnswer(BaseModel):
    """Rows twice: as objects in `data`, as lists in the order of `columns` in `rows`."""

    data: list[dict[str, Any]] = Field(description="Names that occur twice get `_2`, `_3` ...")
    columns: list[SqlColumn]
    rows: list[list[Any]]
    truncated: bool = Field(description="There were more rows than `limit`, or too many bytes.")
    meta: SqlMeta


class SchemaMeta(BaseModel):
    generated_at: datetime
    versions: dict[str, int]


class SchemaAnswer(BaseModel):
    data: list[TableSchema]
    meta: SchemaMeta


def get_sql_pool(request: Request) -> SqlPool:
    pool: SqlPool = request.app.state.sql_pool
    return pool


def get_sites(access: Annotated[Access, Depends(get_access)]) -> tuple[str, ...] | None:
    """The sites that the key may see; None: all."""
    return None if access.sites is None else tuple(sorted(access.sites))


@router.post("", responses={200: {"model": SqlAnswer}})
async def run_query(
    query: SqlQuery,
    request: Request,
    service: Annotated[Service, Depends(get_service)],
    pool: Annotated[SqlPool, Depends(get_sql_pool)],
    sites: Annotated[tuple[str, ...] | None, Depends(get_sites)],
) -> Response:
    """Run one SELECT over `silver.events`, `silver.sessions`, `silver.page_views` and `gold.*`.

    Bots are in all tables, flagged `is_bot`. Columns of Gold are partials: aggregate them as
    `GET /query/schema` says. Decimals are numbers, times ISO-8601, binary values base64.
    """
    states = await _read_states(service)
    asked = SqlRequest(query.sql, query.limit, states, sites)
    try:
        answer = await _run_while_connected(request, pool, asked)
    except ServingError as error:
        service.metrics.sql_statements.labels(type(error).__name__).inc()
        raise
    service.metrics.sql_statements.labels("ok").inc()
    body = await asyncio.to_thread(_shape, answer, states)
    return Response(body, media_type="application/json")


@router.get("/schema")
async def read_schema(
    service: Annotated[Service, Depends(get_service)],
    pool: Annotated[SqlPool, Depends(get_sql_pool)],
) -> SchemaAnswer:
    """Every table that `POST /query` may read: columns, types, meaning, and how to aggregate it."""
    states = await _read_states(service)
    pool.prepare()  # whoever looks at the tables is about to ask
    return SchemaAnswer(
        data=await asyncio.to_thread(describe_tables, service.reader, states),
        meta=SchemaMeta(
            generated_at=datetime.now(UTC),
            versions={name: state.version for name, state in states.items()},
        ),
    )


def _shape(answer: dict[str, Any], states: States) -> bytes:
    """A `SqlAnswer` as JSON, in one go: it may have megabytes."""
    names = name_uniquely([column["name"] for column in answer["columns"]])
    shaped = {
        "data": [dict(zip(names, row, strict=True)) for row in answer["rows"]],
        "columns": answer["columns"],
        "rows": answer["rows"],
        "truncated": answer["truncated"],
        "meta": {
            "generated_at": format_time(datetime.now(UTC)),
            "versions": {name: states[READABLE[name].source].version for name in answer["tables"]},
            "elapsed_ms": answer["elapsed_ms"],
        },
    }
    return dump(shaped)


async def _read_states(service: Service) -> States:
    states = await asyncio.to_thread(service.reader.read_states)
    if not states:
        raise NotReady(
            "no table is there yet; the streaming app makes them when it starts.",
            retry_after_s=NOT_READY_RETRY_S,
        )
    return states


async def _run_while_connected(
    request: Request, pool: SqlPool, asked: SqlRequest
) -> dict[str, Any]:
    """The pool's answer; the statement ends where the client has gone. Raises ClientGone."""
    running = asyncio.create_task(pool.run(asked))
    try:
        return await wait_while_connected(running, request.is_disconnected)
    finally:
        running.cancel()
