"""Two days of a small site that real flows have worked through, and what to ask of such a lake."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi.testclient import TestClient

from schemas import bronze, silver
from schemas.gold import GOLD_TABLES
from schemas.table import GoldTable, Table
from serving.app import create_app
from serving.gold_reader import GoldReader
from serving.session import tune_session
from settings.load import lake_root
from settings.retention import RetentionSettings
from streaming.delta_log import latest_version
from streaming.flows.gold import GOLD_DETAILS, GOLD_EVENTS, GOLD_SESSIONS
from streaming.flows.sessions import SESSIONS
from streaming.flows.silver import SILVER
from streaming.flows.verdicts import VERDICTS
from streaming.ledger import Ledger
from streaming.maintenance.command import ALL_TABLES, Done, maintain
from streaming.runtime import Runtime
from streaming.sinks import TABLES
from streaming.snapshots import read_snapshot
from tests.serving.fakes import make_settings as make_serving_settings
from tests.streaming.lake import Lake
from tests.streaming.records import Record, at, make_event, make_record

AFTER_SILVER = (SESSIONS, VERDICTS, GOLD_EVENTS, GOLD_DETAILS, GOLD_SESSIONS)
NAMES = [table.name for table in (*TABLES, *GOLD_TABLES)]
DAY = 86_400
RANGE = {"start": "2024-05-14", "end": "2024-05-17", "include_bots": "true"}


def make_visit(visitor: str, second: int) -> list[Record]:
    return [
        make_record(
            make_event(
                f"{visitor}/{second}/{number}",
                at(second + 20 * number),
                anonymous_id=visitor,
                page_url=f"https://shop.example/{number}",
                load_time_ms=100 + number,
            ),
            at(second + 20 * number + 1),
        )
        for number in range(3)
    ]


def make_day(day: int) -> list[Record]:
    """Visits of the same people at the same hours, in two batches, a dead letter and a copy."""
    broken = make_record(
        make_event(f"broken {day}", at(day * DAY + 5), page_url="/x"), at(day * DAY + 5)
    )
    sale = make_event(
        f"sale {day}", at(day * DAY + 7), event_type="custom_event", event_name="s", value=2.5
    )
    sold = make_record(sale, at(day * DAY + 8))
    return [
        broken,
        sold,
        sold,
        *make_visit("v0", day * DAY + 10),
        *make_visit("v1", day * DAY + 30),
    ]


def live_two_days(lake: Lake) -> None:
    """The second day has events that are late for the first."""
    lake.feed(make_day(0))
    work_through(lake, 10_000)
    late = [replace(one, arrival=at(DAY + 100)) for one in make_visit("v2", 15)]
    lake.feed([*make_day(1), *late])
    work_through(lake, DAY + 10_000)


def work_through(lake: Lake, until: int) -> None:
    """Every flow to the end of what is there, with a heartbeat so many seconds after the start."""
    lake.run(SILVER)
    lake.beat(at(until))
    lake.run(*AFTER_SILVER)


def with_retention(lake: Lake, **retention: Any) -> Runtime:
    """With settings that need not be allowed."""
    kept = RetentionSettings.model_construct(**{**RetentionSettings().model_dump(), **retention})
    settings = lake.runtime.settings.model_copy(update={"retention": kept})
    return Runtime(lake.runtime.spark, settings)


def run_maintenance(
    runtime: Runtime, *tables: Table | GoldTable, is_dry_run: bool = False
) -> dict[str, Done]:
    """What was done, by table; without `tables` to all."""
    report = maintain(
        runtime, is_dry_run=is_dry_run, say=lambda _: None, tables=tables or ALL_TABLES
    )
    return {done.table: done for done in report.tables}


def read_versions(lake: Lake) -> dict[str, int]:
    return {name: latest_version(lake.runtime.table(name)) for name in NAMES}


def open_reader(lake: Lake) -> GoldReader:
    spark = lake.runtime.spark
    return GoldReader(tune_session(spark.newSession(), {}), lake_root(lake.runtime.settings))


def ask_api(lake: Lake, *paths: str, **params: str) -> dict[str, Any]:
    """What the API answers, and how far it says the data goes."""
    app = create_app(make_serving_settings(query_timeout_s=300), open_reader(lake))
    answers = {}
    with TestClient(app) as api:
        for path in paths:
            response = api.get(path, params={**RANGE, **params})
            body = response.json()
            meta = body.get("meta", {})
            answers[path] = (
                response.status_code,
                body.get("data", body.get("error")),
                meta.get("as_of"),
                meta.get("complete_until"),
            )
    return answers


def count_wrong(lake: Lake, sql: str) -> int:
    frames = {name.replace(".", "_"): lake.read(name) for name in NAMES}
    return int(lake.runtime.spark.sql(sql, **frames).collect()[0][0])


def read_ledger(lake: Lake) -> Ledger:
    found = {
        table.name: read_snapshot(lake.runtime.table(table.name), "arrival_time")
        for table in (bronze.EVENTS, bronze.DEAD_LETTERS, silver.EVENTS, silver.DUPLICATES)
    }
    events, letters, valid, copies = found.values()
    assert events and letters and valid and copies
    return Ledger(
        records=lake.fed,
        bronze=events.rows,
        silver=valid.rows,
        dead_letters=letters.rows,
        duplicates=copies.rows,
        expired=events.expired,
        expired_letters=letters.expired,
    )
