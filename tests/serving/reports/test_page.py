"""The page of a report: every number is in it as text, and no text of strangers is markup."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta
from html import escape
from html.parser import HTMLParser
from typing import Any

import pytest

from serving.reports.charts import draw_bar, draw_lines
from serving.reports.definitions import Report
from serving.reports.markup import Markup, join, make
from serving.reports.numbers import format_bucket, format_change, format_range, format_value
from serving.reports.page import PAGE_POLICY, render_page
from serving.reports.rows import Answered, Part, Row, Span

START = datetime(2026, 11, 16, tzinfo=UTC)
WEEK = timedelta(days=7)
SPAN = Span((START, START + WEEK), (START - WEEK, START), None)
ATTACK = "/<script>alert('1')</script>&amp;\"><img src=x onerror=alert(1)>"
META = {
    "as_of": "2026-11-27T10:00:00Z",
    "complete_until": "2026-11-27T09:00:00Z",
    "generated_at": "2026-11-27T10:00:05Z",
}


class Reader(HTMLParser):
    """What a browser makes of a page: its elements, attributes and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def compared(**values: tuple[Any, Any]) -> Row:
    row: Row = {}
    for name, (now, before) in values.items():
        row |= {name: now, f"{name}_previous": before}
        if not isinstance(now, str):
            row[f"{name}_change"] = (now - before) / before if before and now is not None else None
    return row


def make_answered(
    section: dict[str, Any], keys: tuple[str, ...], rows: list[Row], **more: Any
) -> Answered:
    report = Report.model_validate({"title": "A <b>", "help": "Help & co", "sections": (section,)})
    part = Part(report.sections[0], keys, rows)
    given = {"site": "shop", "include_bots": False, "span": SPAN, "meta": META} | more
    return Answered(name="a", report=report, parts=(part,), **given)


PAGES = {"title": "Top <pages>", "endpoint": "/pages", "columns": ("page_views", "bounce_rate")}
DAYS = {"title": "Days", "endpoint": "/sessions", "interval": "day", "columns": ("sessions",)}


def test_text_of_strangers_stays_text() -> None:
    rows = [{"page_path": ATTACK, **compared(page_views=(3, 2), bounce_rate=(0.5, 0.25))}]
    page = render_page(make_answered(PAGES, ("page_path",), rows, site=ATTACK))
    read = Reader(page)
    assert not {"script", "img", "b-x"} & set(read.tags)
    assert not {name for name in read.attributes if name.startswith("on")}
    assert read.text.count(ATTACK) == 2
    assert escape("Top <pages>") in page
    assert "A <b>" in read.text


def test_the_page_needs_nothing_else() -> None:
    page = render_page(make_answered(PAGES, ("page_path",), []))
    read = Reader(page)
    assert not {"script", "link", "img", "iframe", "form", "a"} & set(read.tags)
    assert not {"style", "href", "src"} & read.attributes
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert "url(" not in style
    assert "@import" not in style
    # The browser takes exactly this style, by its digest.
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in PAGE_POLICY


def test_numbers_are_there_without_the_charts() -> None:
    rows = [
        {"page_path": "/a", **compared(page_views=(12345, 10000), bounce_rate=(0.5, None))},
        {"page_path": None, **compared(page_views=(5, 0), bounce_rate=(None, None))},
    ]
    page = render_page(make_answered(PAGES, ("page_path",), rows))
    text = Reader(re.sub(r"<svg.*?</svg>", "", page)).text
    for shown in ("12,345", "+23.4 % from 10,000", "50.0 %", "new from 0", "(none)"):
        assert shown in text
    assert page.count("<rect") == 2


def test_it_says_what_it_is_about_and_how_far_the_data_goes() -> None:
    text = Reader(render_page(make_answered(PAGES, ("page_path",), []))).text
    assert "16 Nov 2026 – 22 Nov 2026 compared with 9 Nov 2026 – 15 Nov 2026" in text
    assert "shop; times are UTC; automated traffic left out" in text
    assert "Data is in up to 27 Nov 2026, 10:00; sessions are closed up to 27 Nov 2026" in text
    assert "Nothing was counted" in text
    assert "can still grow" not in text
    for closed in (None, "2026-11-22T23:59:59Z"):
        meta = META | {"complete_until": closed}
        text = Reader(render_page(make_answered(PAGES, ("page_path",), [], meta=meta))).text
        assert "can still grow" in text


def test_a_row_alone_is_tiles() -> None:
    section = {"title": "In short", "endpoint": "/sessions", "columns": ("sessions", "revenue")}
    rows = [compared(sessions=(10, 20), revenue=(1234.5, 1234.5))]
    text = Reader(render_page(make_answered(section, (), rows))).text
    assert "Sessions 10 −50.0 % from 20" in text
    assert "Revenue 1,234.50 ±0.0 % from 1,234.50" in text


def test_measures_have_their_own_unit() -> None:
    section = {"title": "Speed", "endpoint": "/performance", "columns": ("p75", "rating")}
    rows = [
        {"metric": "lcp_ms", **compared(p75=(2500.4, 2000.0), rating=("good", "poor"))},
        {"metric": "cls", **compared(p75=(0.126, 0.1), rating=("poor", "poor"))},
    ]
    text = Reader(render_page(make_answered(section, ("metric",), rows))).text
    assert "2,500 ms" in text
    assert "0.13" in text
    assert "good from poor" in text
    assert "from poor" in text and text.count("from poor") == 1


def draw_days(*days: int, closed: str | None) -> tuple[str, list[list[float]]]:
    """The page of so many days with 4 sessions now and 2 before, and how high its lines are."""
    rows = [{"bucket": f"2026-11-{day}T00:00:00Z", **compared(sessions=(4, 2))} for day in days]
    meta = META | {"complete_until": closed}
    page = render_page(make_answered(DAYS, ("bucket",), rows, meta=meta))
    lines = re.findall(r"<polyline[^>]*>", page)
    return page, [[float(y) for y in re.findall(r",([\d.]+)", line)] for line in lines]


def test_a_day_without_a_row_is_a_zero_now_and_a_gap_before() -> None:
    page, (before, now) = draw_days(16, 17, 19, closed="2026-11-27T09:00:00Z")
    low, high = max(now), min(now)
    assert now == [high, high, low, high, low, low, low]
    assert len(before) == 2
    assert page.count("<circle") == 1
    assert page.count("stroke-dasharray") == 1
    assert "Mon 16 Nov" in Reader(page).text


@pytest.mark.parametrize(("closed", "drawn"), [("2026-11-19T09:00:00Z", 4), (None, 4)])
def test_a_day_that_is_not_over_is_not_drawn(closed: str | None, drawn: int) -> None:
    assert len(draw_days(16, 17, 18, 19, closed=closed)[1][-1]) == drawn
    assert len(draw_days(16, 17, 18, closed=closed)[1][-1]) == 3


def test_nothing_to_draw_is_drawn() -> None:
    drawn = draw_lines("A", [], [], {})
    assert "polyline" not in drawn
    assert draw_bar(None, 5) is None
    assert draw_bar(0, 0) is None
    assert 'width="1"' in (draw_bar(1, 1e9) or "")


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([7.0], ["0", "2", "4", "6", "8"]),
        ([0.0], ["0", "1", "2", "3", "4"]),
        ([-30.0, 50.0], ["-40", "-20", "0", "20", "40", "60"]),
        ([1_000_000.0], ["0", "250,000", "500,000", "750,000", "1,000,000"]),
        ([0.1, None], ["0", "0.025", "0.05", "0.075", "0.1"]),
    ],
)
def test_the_axis_has_round_numbers(values: list[float | None], ticks: list[str]) -> None:
    drawn = draw_lines("A", values, [], {})
    assert re.findall(r'text-anchor="end"[^>]*>([^<]*)<', drawn) == ticks


def test_only_markup_is_not_escaped() -> None:
    assert make("p", "<&>", class_="a\"'<") == ('<p class="a&quot;&#x27;&lt;">&lt;&amp;&gt;</p>')
    assert join(Markup("<b/>"), "<b/>", None) == "<b/>&lt;b/&gt;"
    assert make("line", stroke_width=1.5, x=None) == '<line stroke-width="1.5"/>'


@pytest.mark.parametrize(
    ("value", "name", "unit", "shown"),
    [
        (1234567, "sessions", "count", "1,234,567"),
        (0.12345, "bounce_rate", "ratio", "12.3 %"),
        (2.345, "pages_per_session", "ratio", "2.35"),
        (59.94, "avg_duration_s", "s", "59.9 s"),
        (61, "avg_duration_s", "s", "1 min 01 s"),
        (3725, "avg_duration_s", "s", "1 h 02 min"),
        (1234.4, "load_time_p50_ms", "ms", "1,234 ms"),
        (45.2, "avg_scroll_depth_percent", "percent", "45 %"),
        (1234.5, "revenue", "money", "1,234.50"),
        (None, "revenue", "money", "–"),
        ("good", "rating", "text", "good"),
    ],
)
def test_values(value: object, name: str, unit: str, shown: str) -> None:
    assert format_value(value, name, unit) == shown


@pytest.mark.parametrize(
    ("change", "value", "previous", "unit", "shown"),
    [
        (0.1234, 1, 1, "count", "+12.3 %"),
        (-0.5, 1, 2, "count", "−50.0 %"),
        (0.0, 1, 1, "count", "±0.0 %"),
        (12.0, 13, 1, "count", "+1,200.0 %"),
        (None, 3, 0, "count", "new"),
        (None, 0.5, 0.0, "ratio", ""),
        (None, 0, 0, "count", ""),
        (None, None, None, "money", ""),
    ],
)
def test_changes(change: object, value: object, previous: object, unit: str, shown: str) -> None:
    assert format_change(change, value, previous, unit) == shown


def test_ranges_and_buckets() -> None:
    def at(text: str) -> datetime:
        return datetime.fromisoformat(text)

    berlin = at("2026-10-25T00:00:00+02:00"), at("2026-10-26T00:00:00+01:00")
    assert format_range(*berlin, "Europe/Berlin") == "Sun 25 Oct 2026"
    assert format_range(*berlin, None) == "24 Oct 2026, 22:00 – 25 Oct 2026, 23:00"
    # The day before begins at 1:00.
    beirut = at("2026-03-28T22:00:00Z"), at("2026-03-29T21:00:00Z")
    assert format_range(*beirut, "Asia/Beirut") == "Sun 29 Mar 2026"
    assert format_bucket("2026-10-25T00:00:00+02:00", "day") == "Sun 25 Oct"
    assert format_bucket("2026-10-01T00:00:00Z", "month") == "October 2026"
    assert format_bucket("2026-10-25T13:00:00Z", "hour") == "25 Oct, 13:00"
    assert format_bucket("2026-10-19T00:00:00Z", "week") == "from 19 Oct 2026"
