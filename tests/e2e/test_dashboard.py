"""The dashboard in a real Chromium over simulated traffic: its numbers are the API's.

It is driven through Chromium's own pipe (tests/e2e/browser.py), which needs nothing installed but
the browser; without one the test is skipped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.e2e.app import App
from tests.e2e.browser import NAMES, find_chromium, open_browser
from tests.e2e.stage import Stage
from tests.e2e.test_simulate import let_time_pass, make_traffic, send

CHROMIUM = find_chromium()
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        CHROMIUM is None,
        reason=f"no Chromium: none of {', '.join(NAMES)} is on PATH, nor named by CHROMIUM",
    ),
]
EVENTS = 4000
# Rows that a list shows before somebody asks for all.
SHOWN = 9
# Panels ask when they are seen: a tall window sees all of them.
WINDOW = (1280, 3600)


@pytest.fixture(scope="module")
def stage(
    tmp_path_factory: pytest.TempPathFactory, kafka_broker: str, spark: SparkSession
) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("dashboard")
    app = App(folder / "app", kafka_broker, "dashboard")
    lines, _ = make_traffic(app, EVENTS)
    send(app, lines, "all")
    app.drain()
    let_time_pass(app, spark)
    assert CHROMIUM
    with app.serve() as get, open_browser(CHROMIUM, folder) as page:
        page.resize(*WINDOW)
        yield Stage(app, get, page)
        # Whatever the tests did: nothing failed, and nothing went elsewhere.
        assert page.errors == []
        own = (app.api, "about:", "blob:", "data:")
        assert [one for one in page.requests if not one.startswith(own)] == []


def span() -> dict[str, str]:
    """The page's default range."""
    today = datetime.now(UTC).date()
    first, end = today - timedelta(days=6), today + timedelta(days=1)
    return {"start": first.isoformat(), "end": end.isoformat()}


def count(value: float) -> str:
    return f"{value:,.0f}"


def test_each_panel_has_the_numbers_of_the_api(stage: Stage) -> None:
    stage.open()
    get, shown = stage.get, slice(SHOWN)
    views, sessions = (get(path, **span())["data"][0] for path in ("/views", "/sessions"))
    cards = stage.read(
        "Object.fromEntries([...document.querySelectorAll('.card')].map((card) =>"
        " [card.dataset.key, Number(card.querySelector('.value').dataset.value)]))"
    )
    keys = ("sessions", "bounce_rate", "avg_duration_s", "conversions", "revenue")
    assert cards == pytest.approx({**views, **{key: sessions[key] for key in keys}})
    assert views["page_views"] > EVENTS / 5

    for panel, column, path, key, number, asked in (
        ("sources", 2, "/traffic-sources", "channel", "sessions", {"group_by": "channel"}),
        ("pages", 2, "/pages", "page_path", "page_views", {}),
        ("devices", 1, "/devices", "device_type", "unique_visitors", {"group_by": "device_type"}),
        ("conversions", 2, "/conversions", "event_name", "conversions", {}),
    ):
        rows = get(path, **span(), **asked)["data"]
        assert rows
        expected = [(row[key] or "(not known)", count(row[number])) for row in rows[shown]]
        assert stage.read_rows(panel, column) == expected, panel

    steps = get("/funnels/purchase", **span())["data"]
    reached = stage.read(
        "[...document.querySelectorAll('#funnels .count')].map((x) => x.dataset.value)"
    )
    assert [int(text) for text in reached] == [step["visitors"] for step in steps]
    measured = {row["metric"]: row["p75"] for row in get("/performance", **span())["data"]}
    shown_vitals = stage.read(
        "[...document.querySelectorAll('#vitals .main')].map((x) => x.dataset.value)"
    )
    # Merged anew for each question, a sketch of many gives another of the values beside.
    assert sorted(map(float, shown_vitals)) == pytest.approx(sorted(measured.values()), rel=0.03)


def test_places_and_retention_have_the_numbers_of_the_api(stage: Stage) -> None:
    stage.open()
    stage.page.wait("document.querySelector('.map svg')")
    places = stage.get("/geo", group_by="country", **span())["data"]
    numbers = sorted((row["unique_visitors"] for row in places), reverse=True)[:SHOWN]
    assert [number for _, number in stage.read_rows("places", 1)] == [count(n) for n in numbers]
    known = {row["country"] for row in places if row["country"]}
    drawn = set(
        stage.read(
            "[...document.querySelectorAll('.map [data-country]')].map((x) => x.dataset.country)"
        )
    )
    # The map has no outlines of the smallest places; the table has all.
    assert drawn
    assert drawn <= known
    cohorts = stage.get("/retention", interval="day", **span())["data"]
    cells = stage.read("[...document.querySelectorAll('#retention td.rate')].map((x) => x.title)")
    expected = [f"{count(row['visitors'])} of {count(row['size'])}" for row in cohorts]
    assert [cell.split(";")[0] for cell in cells] == expected


def test_a_click_filters_and_the_address_restores_it(stage: Stage) -> None:
    stage.open()
    channel = stage.read_rows("sources", 2)[0][0]
    stage.click("#sources tbody button.pick")
    stage.settle()
    expected = stage.get("/sessions", channel=channel, **span())["data"][0]
    number = "document.querySelector('[data-key=sessions] .value').dataset.value"

    def require_filtered() -> None:
        assert int(stage.read(number)) == expected["sessions"]
        assert stage.read("document.querySelector('.chip').textContent").startswith(
            f"Channel: {channel}"
        )
        # What knows no channels says so, and shows no number.
        for panel in ("pages", "places", "devices", "conversions", "funnels", "retention"):
            assert stage.read(f"document.querySelector('#{panel} [data-unfit]') !== null"), panel
            assert stage.read(f"document.querySelectorAll('#{panel} td').length") == 0, panel

    require_filtered()
    address = stage.read("location.search")
    stage.page.open("about:blank")
    stage.open(address)
    require_filtered()
    stage.click(".chip")
    stage.settle()
    whole = stage.get("/sessions", **span())["data"][0]["sessions"]
    assert int(stage.read(number)) == whole
    stage.page.evaluate("history.back()")
    stage.page.wait("document.querySelector('.chip')")
    stage.settle()
    require_filtered()


def test_bots_and_a_site_are_chosen(stage: Stage) -> None:
    site = stage.get("/sites", **span())["data"][0]["site_id"]
    stage.open(f"?site_id={site}&include_bots=true")
    wanted = {**span(), "site_id": site, "include_bots": "true"}
    views = stage.get("/views", **wanted)["data"][0]["page_views"]
    assert stage.read(
        "document.querySelector('[data-key=page_views] .value').dataset.value"
    ) == str(views)
    assert views > stage.get("/views", **span(), site_id=site)["data"][0]["page_views"]


@pytest.mark.parametrize("view", ["overview", "live", "sql"])
def test_nothing_sticks_out_on_a_phone(stage: Stage, view: str) -> None:
    stage.page.resize(390, 6000, is_phone=True)
    stage.page.open(f"{stage.app.api}/?view={view}")
    if view == "overview":
        stage.settle()
    width = stage.read("document.documentElement.scrollWidth")
    stage.page.resize(*WINDOW)
    assert width == 390


def test_sql_runs_and_says_where_it_is_wrong(stage: Stage) -> None:
    page = stage.page
    page.open(f"{stage.app.api}/?view=sql")
    page.wait("document.querySelectorAll('#schema details').length > 10")
    statement = "SELECT device_type, sum(page_views) AS views FROM gold.devices GROUP BY ALL"

    def run(text: str) -> None:
        page.evaluate(f"document.getElementById('sql').value = {json.dumps(text)}")
        page.evaluate("document.getElementById('sql').focus()")
        page.press("Enter", 13, modifiers=2)

    run(statement)
    page.wait("document.querySelector('#result tbody tr')", timeout_s=120)
    rows = stage.read("[...document.querySelectorAll('#result tbody tr')].map((x) => x.innerText)")
    assert len(rows) >= 2
    known = len(page.errors)
    run("SELECT page_path,\n  nothing FROM gold.pages")
    page.wait("document.querySelector('#result [role=alert]')")
    said = stage.read("document.querySelector('#result [role=alert]').textContent")
    assert "Line 2, column 3" in said
    assert "nothing" in said
    # The refusal was wanted: Chromium reports its status.
    assert all("422" in one for one in page.errors[known:])
    del page.errors[known:]


def test_the_live_view_updates_by_itself(tmp_path: Path, kafka_broker: str) -> None:
    """In a lake of its own: in the other one two hours have gone by, and now is too late."""
    app = App(tmp_path / "app", kafka_broker, "live")
    send_view(app, "/seen-before")
    path = "/seen-just-now"
    assert CHROMIUM
    with app.serve(), open_browser(CHROMIUM, tmp_path) as page:
        page.open(f"{app.api}/?view=live")
        shown = "document.getElementById('live-pages').textContent"
        page.wait(f"{shown}.includes('/seen-before')")
        assert path not in page.evaluate(shown)
        send_view(app, path)
        page.wait(f"{shown}.includes('{path}')")
        assert int(page.evaluate("document.getElementById('live-visitors').textContent")) == 2
        assert page.errors == []


def send_view(app: App, path: str) -> None:
    """A page view by somebody new, now, and all that follows from it."""
    event = {
        "event_id": path,
        "event_type": "page_view",
        "event_timestamp": datetime.now(UTC).isoformat(),
        "anonymous_id": f"someone at {path}",
        "page_url": f"https://www.example.com{path}",
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    }
    file = app.folder / "live.ndjson"
    file.write_text(json.dumps(event) + "\n")
    app.send(file)
    app.drain()
