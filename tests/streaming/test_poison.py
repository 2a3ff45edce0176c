"""The poison corpus: every record a typed dead letter, in one job; what only looks so passes."""

from __future__ import annotations

import pytest
from pyspark.sql import Row, SparkSession

from schemas.reject import RejectReason
from settings.model import Settings
from streaming.silver import judge_events
from tests.streaming.poison import HARMLESS, make_corpus
from tests.streaming.poison_shape import Poison
from tests.streaming.records import Record, read_bronze

CORPUS = make_corpus()


@pytest.fixture(scope="module")
def judged(spark: SparkSession) -> list[Row]:
    """The corpus and then the harmless, in their order."""
    values = [*(poison.value for poison in CORPUS), *HARMLESS.values()]
    rows = judge_events(read_bronze(spark, map(Record, values)), Settings())
    return rows.select("offset", "reasons", "detail", "event.event_id").orderBy("offset").collect()


def test_the_corpus_is_large_and_every_reason_is_in_it() -> None:
    assert len(CORPUS) >= 500
    assert len({poison.name for poison in CORPUS}) == len(CORPUS)
    assert {poison.reason for poison in CORPUS} == set(RejectReason)


@pytest.mark.parametrize("reason", RejectReason)
def test_every_record_is_a_dead_letter_with_its_reason(
    reason: RejectReason, judged: list[Row]
) -> None:
    wrong = [
        (poison.name, row.reasons)
        for poison, row in zip(CORPUS, judged, strict=False)
        if poison.reason == reason and row.reasons[:1] != [reason]
    ]
    assert wrong == []


def test_every_letter_says_what_was_wrong(judged: list[Row]) -> None:
    details = [row.detail for row in judged[: len(CORPUS)]]
    assert all(details)
    assert max(map(len, details)) <= 500


def test_what_only_looks_like_poison_passes(judged: list[Row]) -> None:
    rows = judged[len(CORPUS) :]
    reasons = {name: row.reasons for name, row in zip(HARMLESS, rows, strict=True) if row.reasons}
    assert reasons == {}


def test_the_corpus_is_the_same_every_time() -> None:
    again: list[Poison] = make_corpus()
    assert again == CORPUS
