"""The limit on rejects: when the flow stops, and what it says."""

from __future__ import annotations

import pytest

from settings.model import StreamSettings
from streaming.reject_limit import RejectLimit, TooManyRejects

SETTINGS = StreamSettings(
    max_reject_share=0.5, reject_window_s=600, reject_window_min_records=1_000
)
REASONS = {("shop", "missing_field"): 600, ("blog", "not_json"): 1}


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limit(clock: Clock) -> RejectLimit:
    return RejectLimit(SETTINGS, clock)


def test_more_than_the_share_of_enough_records_stops(limit: RejectLimit) -> None:
    limit.check(500, 500, REASONS)
    with pytest.raises(TooManyRejects) as stopped:
        limit.check(0, 1, REASONS)
    message = str(stopped.value)
    assert "501 of the last 1,001 records" in message
    assert "stream.max_reject_share = 0.5" in message
    assert "missing_field on site 'shop' (600)" in message
    assert "WEB_ANALYTICS_STREAM__MAX_REJECT_SHARE=1" in message


def test_few_records_prove_nothing(limit: RejectLimit) -> None:
    limit.check(0, 999, REASONS)
    with pytest.raises(TooManyRejects):
        limit.check(0, 1, REASONS)


def test_what_is_past_the_window_is_forgotten(limit: RejectLimit, clock: Clock) -> None:
    limit.check(0, 999, REASONS)
    clock.now = 601
    limit.check(0, 999, REASONS)
    clock.now = 602
    with pytest.raises(TooManyRejects):
        limit.check(0, 1, REASONS)


def test_a_good_batch_is_never_stopped(limit: RejectLimit) -> None:
    limit.check(0, 999, REASONS)
    limit.check(1, 0, {})
    limit.check(1_000, 0, {})


def test_a_share_of_one_lets_everything_through() -> None:
    limit = RejectLimit(SETTINGS.model_copy(update={"max_reject_share": 1.0}))
    limit.check(0, 5_000, REASONS)
    limit.check(0, 5_000, REASONS)
