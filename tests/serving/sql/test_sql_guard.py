"""Attacks never come as far as running; what analysts ask does."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from serving.sql.engine import SqlEngine, SqlFailed
from serving.sql.request import SqlRequest
from serving.sql_guard.refusal import Refused
from tests.serving.sql.conftest import Ask
from tests.serving.sql.corpus import (
    CANARY_TEXT,
    TABLE_PLACES,
    VALUE_PLACES,
    generate_attacks,
    read_attacks,
    read_honest,
)

LEAST_ATTACKS, GENERATED, LEAST_HONEST = 300, 250, 100
INSIDE = ("org.apache", "java.base", "py4j", "at scala", "LogicalPlan", "+- ", "parquet")


def try_all(engine: SqlEngine, statements: Iterable[str]) -> list[str]:
    """The statements that were not stopped before they ran, or whose refusal tells too much."""
    states, passed = engine.reader.read_states(), []
    for sql in statements:
        try:
            with engine.prepare(SqlRequest(sql, 1, states)):
                passed.append(sql)
        except (Refused, SqlFailed) as stopped:
            told = f"{stopped.message} {getattr(stopped, 'details', '')}"
            if CANARY_TEXT in told or any(word in told and word not in sql for word in INSIDE):
                passed.append(f"{sql} told {told}")
    return passed


def test_attacks_are_stopped_before_they_run(engine: SqlEngine, canary: Path, lake: str) -> None:
    attacks = list(read_attacks(str(canary), lake))
    assert len(set(attacks)) >= LEAST_ATTACKS
    assert try_all(engine, attacks) == []


@pytest.mark.parametrize("seed", [1, 2])
def test_generated_attacks_are_stopped(
    engine: SqlEngine, canary: Path, lake: str, seed: int
) -> None:
    assert try_all(engine, generate_attacks(GENERATED, seed, str(canary), lake)) == []


def test_the_places_of_generated_attacks_are_no_reason_to_refuse(engine: SqlEngine) -> None:
    """With something harmless in the same places all pass, so it is the attack that is refused."""
    harmless = [place.replace("{}", "events.site_id") for place in VALUE_PLACES]
    harmless += [
        place.replace("{}", "(SELECT site_id AS value FROM silver.events)")
        for place in TABLE_PLACES
    ]
    assert try_all(engine, harmless) == harmless


def test_statements_of_analysts_run(ask: Ask) -> None:
    honest = read_honest()
    assert len(honest) >= LEAST_HONEST

    def run(sql: str) -> str | None:
        try:
            ask(sql, limit=5)
        except (Refused, SqlFailed) as error:
            return f"{sql}: {error.message}"
        return None

    with ThreadPoolExecutor(2) as people:
        assert [failed for failed in people.map(run, honest) if failed] == []
