"""`GET /sites`: which sites there are, with what the settings say of each."""

from __future__ import annotations

from fastapi.testclient import TestClient

from serving.app import create_app
from serving.gold_reader import GoldReader
from tests.serving.fakes import make_settings
from tests.serving.lake import make_events

SPAN = {"start": "2015-05-17", "end": "2015-05-21"}


def test_sites_have_their_zone_and_currency(reader: GoldReader) -> None:
    settings = make_settings(query_timeout_s=300).model_copy(
        update={"timezones": {"shop": "Europe/Berlin"}, "currencies": {"shop": "EUR"}}
    )
    events = [event for event in make_events() if not event["is_bot"]]
    with TestClient(create_app(settings, reader)) as api:
        rows = api.get("/sites", params=SPAN).json()["data"]
        bots = api.get("/sites", params={**SPAN, "include_bots": "true"}).json()["data"]
        one = api.get("/sites", params={**SPAN, "site_id": "shop"}).json()["data"]
        none = api.get("/sites", params={"start": "2015-05-20", "end": "2015-05-20"}).json()["data"]
    assert [row["site_id"] for row in rows] == ["blog", "shop"]
    for row in rows:
        own = [event for event in events if event["site_id"] == row["site_id"]]
        views = sum(event["event_type"] == "page_view" for event in own)
        visitors = len({event["visitor_id"] for event in own})
        assert (row["page_views"], row["unique_visitors"]) == (views, visitors)
    said = {row["site_id"]: (row["timezone"], row["currency"]) for row in rows}
    assert said == {"shop": ("Europe/Berlin", "EUR"), "blog": ("UTC", "USD")}
    assert sum(row["page_views"] for row in bots) > sum(row["page_views"] for row in rows)
    assert one == [row for row in rows if row["site_id"] == "shop"]
    assert none == []


def test_views_are_of_every_event(api: TestClient) -> None:
    events = [event for event in make_events() if not event["is_bot"]]
    for wanted in ({}, {"country": "DE"}, {"device_type": "mobile", "site_id": "blog"}):
        own = [one for one in events if all(one[name] == value for name, value in wanted.items())]
        row = {
            "page_views": sum(event["event_type"] == "page_view" for event in own),
            "unique_visitors": len({event["visitor_id"] for event in own}),
        }
        assert api.get("/views", params={**SPAN, **wanted}).json()["data"] == [row]
        days = api.get("/views", params={**SPAN, **wanted, "interval": "day"}).json()["data"]
        assert sum(day["page_views"] for day in days) == row["page_views"]
    assert api.get("/views", params={**SPAN, "channel": "Direct"}).status_code == 422
