"""Charts as inline SVG, made of plain numbers; pure. A table beside each says the same."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from serving.reports.markup import Markup, join, make

Values = Sequence[float | None]

WIDTH, HEIGHT = 720, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 10, 24
_GRID_LINES = 4
_STEPS = (1, 2, 2.5, 5, 10)
BAR_WIDTH, BAR_HEIGHT = 90, 8


def draw_lines(title: str, now: Values, before: Values, labels: Mapping[int, str]) -> Markup:
    """Two lines over the same intervals, `before` dashed; None is a gap.

    labels: what to write at the x axis, by place; the first, the middle and the last are.
    """
    count = max(len(now), len(before))
    axis = _find_axis([value for value in (*now, *before) if value is not None])
    return make(
        "svg",
        *_draw_grid(axis),
        *_draw_labels(labels, count),
        *_draw_line(before, count, axis, "before"),
        *_draw_line(now, count, axis, "now"),
        role="img",
        aria_label=title,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        width=WIDTH,
        height=HEIGHT,
        class_="lines",
    )


def draw_bar(value: float | None, most: float) -> Markup | None:
    """A bar for one row of a table; `most`: the value of the longest."""
    if value is None or most <= 0 or value <= 0:
        return None
    width = max(BAR_WIDTH * min(value / most, 1.0), 1.0)
    return make(
        "svg",
        make("rect", width=width, height=BAR_HEIGHT, rx=2, fill="#4c78a8"),
        aria_hidden="true",
        viewBox=f"0 0 {BAR_WIDTH} {BAR_HEIGHT}",
        width=BAR_WIDTH,
        height=BAR_HEIGHT,
        class_="bar",
    )


@dataclass(frozen=True)
class _Axis:
    """The y axis: round numbers from `bottom` to `top`, 0 among them."""

    bottom: float
    top: float
    step: float

    def place(self, value: float) -> float:
        share = (value - self.bottom) / (self.top - self.bottom)
        return _TOP + (HEIGHT - _TOP - _BOTTOM) * (1 - share)


def _find_axis(values: Sequence[float]) -> _Axis:
    low, high = min(values, default=0.0), max(values, default=0.0)
    low, high = min(low, 0.0), max(high, 0.0)
    rough = (high - low) / _GRID_LINES or 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(each * power for each in _STEPS if each * power >= rough * 0.9999)
    top = math.ceil(high / step) * step
    return _Axis(math.floor(low / step) * step, top if high > low else _GRID_LINES * step, step)


def _draw_grid(axis: _Axis) -> list[Markup]:
    drawn = []
    for number in range(round((axis.top - axis.bottom) / axis.step) + 1):
        value = axis.bottom + number * axis.step
        y = axis.place(value)
        line = make(
            "line", x1=_LEFT, x2=WIDTH - _RIGHT, y1=y, y2=y, stroke="#d9dde3", stroke_width=1
        )
        drawn.append(join(line, _write(f"{value:,.10g}", _LEFT - 6, y + 4, "end")))
    return drawn


def _draw_labels(labels: Mapping[int, str], count: int) -> list[Markup]:
    places = sorted(labels)
    drawn = []
    for place in sorted({places[0], places[len(places) // 2], places[-1]}) if places else ():
        anchor = "start" if place == 0 else "end" if place == count - 1 else "middle"
        drawn.append(_write(labels[place], _place_x(place, count), HEIGHT - 6, anchor))
    return drawn


def _draw_line(values: Values, count: int, axis: _Axis, kind: str) -> list[Markup]:
    """A line for each run of values; a value alone is a point."""
    is_now = kind == "now"
    colour = "#4c78a8" if is_now else "#8a929c"
    drawn = []
    for run in _split_runs(values):
        points = [(_place_x(place, count), axis.place(value)) for place, value in run]
        if len(points) == 1:
            (x, y), *_ = points
            drawn.append(make("circle", cx=x, cy=y, r=2.5, fill=colour))
            continue
        drawn.append(
            make(
                "polyline",
                points=" ".join(f"{x:.1f},{y:.1f}" for x, y in points),
                fill="none",
                stroke=colour,
                stroke_width=2.2 if is_now else 1.5,
                stroke_dasharray=None if is_now else "5 4",
                stroke_linejoin="round",
            )
        )
    return drawn


def _split_runs(values: Values) -> list[list[tuple[int, float]]]:
    runs: list[list[tuple[int, float]]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((place, value))
    return [run for run in runs if run]


def _place_x(place: int, count: int) -> float:
    width = WIDTH - _LEFT - _RIGHT
    return _LEFT + (width * place / (count - 1) if count > 1 else width / 2)


def _write(text: str, x: float, y: float, anchor: str) -> Markup:
    return make("text", text, x=x, y=y, text_anchor=anchor, font_size=11, fill="#57606a")
