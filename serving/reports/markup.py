"""HTML and SVG put together so that text cannot become markup: what is not `Markup` is escaped."""

from __future__ import annotations

from html import escape


class Markup(str):
    """Text that is HTML already; only `make` and `join` make it."""


Child = str | None
Attribute = str | int | float | None
_VOID = frozenset({"meta", "line", "circle", "rect", "polyline"})


def make(tag: str, *children: Child, **attributes: Attribute) -> Markup:
    """An element. `class_` is the attribute class, `stroke_width` stroke-width; None: left out."""
    named = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{_show(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    if tag in _VOID:
        return Markup(f"<{tag}{named}/>")
    return Markup(f"<{tag}{named}>{join(*children)}</{tag}>")


def join(*children: Child) -> Markup:
    """The children one after the other."""
    return Markup(
        "".join(
            child if isinstance(child, Markup) else escape(child)
            for child in children
            if child is not None
        )
    )


def _show(value: str | int | float) -> str:
    return f"{value:.6g}" if isinstance(value, float) else escape(str(value))
