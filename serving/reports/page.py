"""A report as one page that needs nothing else: to read, to print, to send by mail.

From an answered report to HTML without scripts and without addresses; every number of a chart is in
a table too, for programs that show no SVG. Page paths and campaigns are written by strangers, so
all text goes through `markup.make`, which escapes it.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from pathlib import Path

from serving.reports.charts import draw_bar, draw_lines
from serving.reports.markup import Markup, join, make
from serving.reports.numbers import (
    format_bucket,
    format_change,
    format_moment,
    format_range,
    format_value,
    name_column,
)
from serving.reports.rows import NO_VALUE, Answered, Part, Row

_CSS = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
_CSS_DIGEST = base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()
# Its own style is all the page may have: no script, no picture, no form, nothing from elsewhere.
PAGE_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_CSS_DIGEST}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
# Of a page path; a longer one is cut.
_MOST_CHARACTERS = 160


def render_page(answered: Answered) -> str:
    """The page."""
    head = make(
        "head",
        make("meta", charset="utf-8"),
        make("meta", name="viewport", content="width=device-width, initial-scale=1"),
        make("title", f"{answered.report.title}, {_name_period(answered)}"),
        # Not escaped, for a browser does not unescape it: it is a file of ours.
        make("style", Markup(_CSS)),
    )
    sections = (_render_part(part, answered) for part in answered.parts)
    body = make("body", make("main", _render_header(answered), *sections, _render_notes(answered)))
    return f"<!doctype html>\n{make('html', head, body, lang='en')}\n"


def _name_period(answered: Answered) -> str:
    return format_range(*answered.span.period, answered.span.timezone)


def _render_header(answered: Answered) -> Markup:
    span = answered.span
    compared = format_range(*span.previous, span.timezone)
    bots = "automated traffic included" if answered.include_bots else "automated traffic left out"
    zone = span.timezone or "UTC"
    return make(
        "header",
        make("h1", answered.report.title),
        make("p", make("strong", _name_period(answered)), f" compared with {compared}"),
        make("p", f"{answered.site}; times are {zone}; {bots}", class_="quiet"),
        make("p", answered.report.help) if answered.report.help else None,
    )


def _render_notes(answered: Answered) -> Markup:
    """How far the data goes."""
    meta, span = answered.meta, answered.span

    def show(name: str) -> str:
        text = meta[name]
        return format_moment(datetime.fromisoformat(text), span.timezone) if text else "not known"

    closed = meta["complete_until"]
    is_open = closed is None or datetime.fromisoformat(closed) < span.period[1]
    return make(
        "footer",
        make(
            "p",
            "Not all sessions of this period are closed yet: numbers of sessions can still grow.",
            class_="warning",
        )
        if is_open
        else None,
        make(
            "p",
            f"Data is in up to {show('as_of')}; sessions are closed up to "
            f"{show('complete_until')}; numbers are of {show('generated_at')} "
            f"({span.timezone or 'UTC'}).",
        ),
        make(
            "p",
            "Changes are relative to the period before. Distinct visitors are an estimate within "
            "2 % (at 95 %).",
        ),
    )


def _render_part(part: Part, answered: Answered) -> Markup:
    title = make("h2", part.section.title)
    if not part.rows:
        nothing = make("p", "Nothing was counted in this period.", class_="quiet")
        return make("section", title, nothing)
    if not part.keys:
        return make("section", title, _render_tiles(part))
    chart = _render_chart(part, answered) if part.keys == ("bucket",) else None
    return make("section", title, chart, _render_table(part), _tell_if_cut(part))


def _render_tiles(part: Part) -> Markup:
    """One row: a number large, beside what it was."""
    (row,) = part.rows
    tiles = []
    for name in part.section.shown:
        unit = _find_unit(part, name, row)
        tiles.append(
            make(
                "div",
                make("span", name_column(name), class_="name"),
                " ",
                make("strong", format_value(row[name], name, unit)),
                " ",
                _render_change(row, name, unit),
                class_="tile",
            )
        )
    return make("div", *tiles, class_="tiles")


def _render_chart(part: Part, answered: Answered) -> Markup | None:
    """The first metric over time. An interval without a row is 0 now, and not known before."""
    interval, name, span = part.section.interval, part.section.shown[0], answered.span
    assert interval
    unit = part.section.asked.all_metrics[name].unit
    if unit == "text":
        return None
    rows = {span.place(interval, row["bucket"]): row for row in part.rows}
    # Nothing is there yet of what is not over, nor of rows that were left out.
    closed = answered.meta["complete_until"]
    is_whole = closed and not _is_cut(part)
    over = span.place(interval, closed) if is_whole else max(rows)
    nothing = 0.0 if unit in ("count", "money") else None
    now: list[float | None] = []
    before: list[float | None] = []
    for place in range(span.count(interval, span.period)):
        row = rows.get(place, {name: nothing if place < over else None})
        now.append(row[name])
        before.append(row.get(f"{name}_previous"))
    labels = {place: format_bucket(row["bucket"], interval) for place, row in rows.items()}
    shown = name_column(name)
    caption = make("figcaption", f"{shown}: this period, and dashed the one before")
    return make("figure", draw_lines(shown, now, before, labels), caption)


def _render_table(part: Part) -> Markup:
    first = part.section.shown[0]
    values = [row[first] for row in part.rows]
    longest = max((value for value in values if isinstance(value, int | float)), default=0)
    heads = [make("th", _name_key(key, part), scope="col") for key in part.keys]
    heads += [
        make("th", name_column(name), scope="col", class_="number") for name in part.section.shown
    ]
    rows = [make("tr", *_render_cells(part, row, longest)) for row in part.rows]
    table = make("table", make("thead", make("tr", *heads)), make("tbody", *rows))
    return make("div", table, class_="wide")


def _render_cells(part: Part, row: Row, longest: float) -> list[Markup]:
    """Of one row; under its name is a bar, as long as its share of the longest."""
    first = part.section.shown[0]
    is_drawn = "bucket" not in part.keys and _find_unit(part, first, row) in ("count", "money")
    bar = draw_bar(row[first], longest) if is_drawn else None
    cells = []
    for place, key in enumerate(part.keys):
        label = make("bdi", _label(key, row[key], part))
        cells.append(make("td", label, bar if place == 0 else None, class_="key"))
    for name in part.section.shown:
        unit = _find_unit(part, name, row)
        value, change = format_value(row[name], name, unit), _render_change(row, name, unit)
        cells.append(make("td", value, " ", change, class_="number"))
    return cells


def _render_change(row: Row, name: str, unit: str) -> Markup | None:
    previous = row.get(f"{name}_previous")
    change = format_change(row.get(f"{name}_change"), row[name], previous, unit)
    if previous is None or previous == row[name] == 0 or (unit == "text" and previous == row[name]):
        return None
    before = format_value(previous, name, unit)
    said = join(make("b", change), " ") if change else None
    return make("small", said, make("span", f"from {before}"))


def _tell_if_cut(part: Part) -> Markup | None:
    return make("p", f"The first {len(part.rows)} rows.", class_="quiet") if _is_cut(part) else None


def _is_cut(part: Part) -> bool:
    """Whether there may be more rows."""
    return len(part.rows) >= part.section.most_rows


def _name_key(key: str, part: Part) -> str:
    interval = part.section.interval
    return name_column(interval if interval and key == "bucket" else key)


def _label(key: str, value: object, part: Part) -> str:
    if value is None:
        return NO_VALUE
    text = str(value)
    if key == "bucket" and part.section.interval:
        return format_bucket(text, part.section.interval)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}…"


def _find_unit(part: Part, name: str, row: Row) -> str:
    """Of a row about one of several measures the unit is that of its measure."""
    unit = part.section.asked.all_metrics[name].unit
    if unit not in ("count", "money", "ratio", "text") and isinstance(row.get("metric"), str):
        return "ms" if row["metric"].endswith("_ms") else ""
    return unit
