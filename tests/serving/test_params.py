"""Parameters: defaults, limits of ranges, and forms of times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from serving.endpoints import (
    DEVICES_ENDPOINT,
    PAGES_ENDPOINT,
    REALTIME_ENDPOINT,
    SESSIONS_ENDPOINT,
)
from serving.errors import InvalidParameter
from serving.params import CommonParams, make_params

NOW = datetime(2026, 1, 10, 10, 20, tzinfo=UTC)
PagesParams, SessionsParams, DevicesParams, RealtimeParams = (
    make_params(endpoint)
    for endpoint in (PAGES_ENDPOINT, SESSIONS_ENDPOINT, DEVICES_ENDPOINT, REALTIME_ENDPOINT)
)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2015-05-17", datetime(2015, 5, 17, tzinfo=UTC)),
        ("2015-05-17T10:05:03Z", datetime(2015, 5, 17, 10, 5, 3, tzinfo=UTC)),
        ("2015-05-17T10:05:03", datetime(2015, 5, 17, 10, 5, 3, tzinfo=UTC)),
        ("2015-05-17T10:05:03+02:00", datetime(2015, 5, 17, 8, 5, 3, tzinfo=UTC)),
        ("2015-05-17T10:05:03 02:00", datetime(2015, 5, 17, 8, 5, 3, tzinfo=UTC)),
    ],
)
def test_times(text: str, time: datetime) -> None:
    assert CommonParams.model_validate({"end": text}).select(NOW).end == time


@pytest.mark.parametrize(
    "text", ["", "yesterday", "1431856803", "2015-13-01", "0001-01-01", "9999-12-31T23:30-23:00"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="ISO-8601"):
        CommonParams.model_validate({"end": text})


def test_default_is_seven_days_up_to_the_coming_hour() -> None:
    selection = CommonParams().select(NOW)
    assert selection.end == datetime(2026, 1, 10, 11, tzinfo=UTC)
    assert selection.end - selection.start == timedelta(days=7)
    assert (selection.limit, selection.offset, selection.include_bots) == (100, 0, False)


def test_start_is_seven_days_before_a_given_end() -> None:
    selection = CommonParams.model_validate({"end": "2015-05-21"}).select(NOW)
    assert selection.start == datetime(2015, 5, 14, tzinfo=UTC)


def test_a_start_still_to_come_is_an_empty_range() -> None:
    selection = CommonParams.model_validate({"start": "2026-02-01"}).select(NOW)
    assert selection.start == selection.end


@pytest.mark.parametrize(
    "given", [{"start": "2015-05-18", "end": "2015-05-17"}, {"start": "2015-05-17"}]
)
def test_impossible_ranges_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(InvalidParameter) as refusal:
        CommonParams.model_validate(given).select(NOW)
    assert refusal.value.details[0]["parameter"] == "start"


def test_400_days_are_allowed() -> None:
    params = CommonParams.model_validate({"start": "2014-01-01", "end": "2015-02-05"})
    assert params.select(NOW).end - params.select(NOW).start == timedelta(days=400)


def test_filters_are_what_was_given() -> None:
    assert PagesParams(site_id="a", page_path="/x").select(NOW).filters == {
        "site_id": "a",
        "page_path": "/x",
    }
    assert SessionsParams(channel="Direct").select(NOW).filters == {"channel": "Direct"}


@pytest.mark.parametrize(
    "given", [{"channel": "Direct"}, {"limit": 0}, {"limit": 10_001}, {"offset": -1}]
)
def test_pages_refuses(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PagesParams.model_validate(given)


@pytest.mark.parametrize(
    ("given", "picked"),
    [
        ("os", ("os",)),
        ("os, device_type", ("os", "device_type")),
        (["os", "browser,os"], ("os", "browser")),
        (None, None),
    ],
)
def test_group_by(given: object, picked: tuple[str, ...] | None) -> None:
    assert DevicesParams.model_validate({"group_by": given}).select(NOW).group_by == picked


@pytest.mark.parametrize("given", ["", "country", "os,", ["os", "x"]])
def test_group_by_refuses(given: object) -> None:
    with pytest.raises(ValidationError, match="one or more of device_type, browser, os"):
        DevicesParams.model_validate({"group_by": given})


def test_realtime_is_the_last_thirty_minutes() -> None:
    selection = RealtimeParams().select(NOW.replace(second=7))
    assert selection.end == NOW + timedelta(minutes=1)
    assert selection.end - selection.start == timedelta(minutes=30)
    with pytest.raises(ValidationError):
        RealtimeParams.model_validate({"start": "2026-01-10"})
