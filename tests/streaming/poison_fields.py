"""Poison by content: JSON objects with a field missing or wrong, in every way we could think of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.event import EVENT_TYPES, NUMBER_FIELDS
from schemas.reject import RejectReason as R
from tests.streaming.poison_shape import NEEDS, Poison, make_text, put


def make_invalid() -> Iterator[Poison]:
    """Every record of this file."""
    yield from _make_incomplete()
    yield from _make_unidentified()
    yield from _make_unknown_types()
    yield from _make_overlong()
    yield from _make_bad_times()
    yield from _make_bad_urls()
    yield from _make_bad_numbers()


def _make_incomplete() -> Iterator[Poison]:
    yield Poison("empty object", b"{}", R.MISSING_FIELD)
    yield Poison("only unknown fields", b'{"a":1}', R.MISSING_FIELD)
    yield Poison("an event inside", b'{"event":' + make_text() + b"}", R.MISSING_FIELD)
    yield Poison("names in capitals", make_text().upper(), R.MISSING_FIELD)
    for event_type, needs in NEEDS.items():
        required = ("event_id", "event_type", "event_timestamp", "anonymous_id", *needs)
        for field in required:
            for name, literal in (("null", b"null"), ("empty", b'""')):
                value = put(field, literal, event_type)
                yield Poison(f"{event_type}: {field} {name}", value, R.MISSING_FIELD)
            value = make_text(event_type).replace(f'"{field}"'.encode(), f'"{field}_"'.encode())
            yield Poison(f"{event_type}: {field} renamed", value, R.MISSING_FIELD)


def _make_unidentified() -> Iterator[Poison]:
    """Values that identify nothing: as an identity they would make one event of many."""
    literals = (
        b'" "', b'"   "', b"{}", b'{"a":1}', b"[]", b'["e"]', b"true", b"false",
        b'"null"', b'"NaN"',
        b'"undefined"', b'"[object Object]"', b'" Undefined "',
    )  # fmt: skip
    for literal in literals:
        for field in ("event_id", "anonymous_id"):
            name = f"identifies nothing: {field} {literal.decode()}"
            yield Poison(name, put(field, literal), R.MISSING_FIELD)


def _make_unknown_types() -> Iterator[Poison]:
    kinds: tuple[Any, ...] = (
        "purchase", "pageview", "PAGE_VIEW", "Page_View", "page-view", " page_view", "page_view ",
        "page_view\n", "page_view\u0000", "page\u200b_view", "рage_view", "null", "undefined",
        "*",
        "page_view,click", "' OR 1=1 --", "💥", "x" * 10_000, " ", 1, 0, -1.5, True, False, [], {},
        ["page_view"], {"name": "page_view"}, "page_views", "session", "custom", "true",
        "event_type",
    )  # fmt: skip
    for number, kind in enumerate(kinds):
        yield Poison(f"type {number}", make_text(event_type=kind), R.UNKNOWN_EVENT_TYPE)


def _make_overlong() -> Iterator[Poison]:
    for field in ("event_id", "anonymous_id", "user_id"):
        for name, value in {
            "129": "x" * 129, "129 emoji": "😀" * 129, "1,000": "x" * 1000,
            "100,000": "x" * 100_000,
            "129 NULs": "\u0000" * 129, "number of 129 digits": int("1" * 129),
        }.items():  # fmt: skip
            yield Poison(f"{field} of {name}", make_text(**{field: value}), R.INVALID_LENGTH)


def _make_bad_times() -> Iterator[Poison]:
    times: tuple[Any, ...] = (
        "soon", "now", "null", "0x0", " ", "2024-05-14", "2024-05-14T12:00:00",
        "12:00:00Z",
        "2024-05-14 12:00:00", "2024-13-01T00:00:00Z", "2024-00-01T00:00:00Z",
        "2024-05-00T00:00:00Z",
        "2024-02-30T00:00:00Z", "2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
        "2024-04-31T00:00:00Z",
        "2024-05-32T00:00:00Z", "2024-05-14T24:00:00Z", "2024-05-14T25:00:00Z",
        "2024-05-14T12:60:00Z",
        "2024-05-14T12:00:60Z", "2024-05-14T12:00:61Z", "10000-01-01T00:00:00Z",
        "-0001-01-01T00:00:00Z",
        "+2024-05-14T12:00:00Z", "2024-05-14T12Z", "2024-5-14T12:00:00Z", "24-05-14T12:00:00Z",
        "20240514T120000Z", "2024-W20-2T12:00:00Z", "2024-135T12:00:00Z", "2024/05/14 12:00:00Z",
        "14.05.2024 12:00", "05/14/2024 12:00:00", "14/May/2024:12:00:00 +0000", "May 14, 2024",
        "Tue, 14 May 2024 12:00:00 GMT", "Tue May 14 2024 12:00:00 GMT+0200",
        "2024-05-14T12:00:00+1",
        "2024-05-14T12:00:00+24:00", "2024-05-14T12:00:00+18:01", "2024-05-14T12:00:00+01:60",
        "2024-05-14T12:00:00+99", "2024-05-14T12:00:00 UTC", "2024-05-14T12:00:00 Z",
        "2024-05-14T12:00:00 Europe/Paris", "2024-05-14T12:00:00.Z", "2024-05-14T12:00:00,5Z",
        "2024-05-14T12:00:00.1234567890Z", "2024-05-14T12:00:00ZZ", "2024-05-14T12:00:00Z ",
        " 2024-05-14T12:00:00Z", "2024-05-14T12:00:00Z\u0000", "２０２４-05-14T12:00:00Z",
        "Invalid Date",
        "2024-05-14T12:00:00\u2212" + "01:00", "2024-05-14T12:00:00Z\nx", "1715688000000ms",
        "1,715e12",
        "1715688000000.5", "17156880000001234", "1e12", "1715688000000\u2028",
        "1715688000000\u2029",
        "1715688000000\u0085", "\u00a01715688000000", "١٧١٥", "0x18F76", "NaN", "Infinity",
        "1" * 10_000,
        1715688000000.5, 1e300, 1e15, -1e15, 10**15, -(10**15), 2**63, 2**64, 10**100, True,
        False,
        [], [1715688000000], {}, {"$date": 1715688000000}, {"seconds": 1715688000}, "today",
        "1715688000 000",
    )  # fmt: skip
    for number, time in enumerate(times):
        for field in ("event_timestamp", "sent_timestamp"):
            name = f"{field} {number}: {time!r:.40}"
            yield Poison(name, make_text(**{field: time}), R.INVALID_TIMESTAMP)
    for literal in (b"1e400", b"-1e400", b"1715688000000.25", b"1E-400"):
        name = f"event_timestamp {literal.decode()}"
        yield Poison(name, put("event_timestamp", literal), R.INVALID_TIMESTAMP)


def _make_bad_urls() -> Iterator[Poison]:
    urls: tuple[Any, ...] = (
        "/", "/home", "home", "?q=1", "#top", "//shop.example/", "shop.example",
        "www.shop.example/a",
        "shop.example:443/a", "ftp://shop.example/", "file:///etc/passwd", "javascript:alert(1)",
        "data:text/html,x", "about:blank", "mailto:a@b.example", "android-app://com.example/",
        "chrome-extension://abc/x.html", "blob:https://shop.example/1", "ws://shop.example/",
        "capacitor://localhost/", "view-source:https://shop.example/", "http:", "http:/",
        "http://",
        "https://", "https:///", "https:///home", "https://?q=1", "https://#top", "https://:443/",
        "https://:/", "https://user@/", "https://user:pass@:80/", "http:/shop.example/",
        "http:shop",
        "htp://shop.example/", "hhttps://shop.example/", "http//shop.example/", "http//:x",
        " https://shop.example/", "\thttps://shop.example/", "\u0000https://shop.example/",
        "\ufeffhttps://shop.example/", "“https://shop.example/”", "<https://shop.example/>",
        "null",
        "undefined", "[object Object]", "x" * 100_000, " ", "\\\\server\\share",
        "C:\\index.html", 1,
        0, True, False, [], ["https://shop.example/"], {}, {"href": "https://shop.example/"},
        "https:\\\\shop.example\\a", "HTTP:/x", "ｈｔｔｐs://shop.example/",
    )  # fmt: skip
    for number, url in enumerate(urls):
        yield Poison(f"page_url {number}: {url!r:.40}", make_text(page_url=url), R.INVALID_URL)


def _make_bad_numbers() -> Iterator[Poison]:
    values: tuple[Any, ...] = (
        "many", "12,5", "1.000,50", "1 000", "5 %", "€5", "0x10", "1e", "--1", "NaN", "Infinity",
        "-inf", "1e400", "null", " ", "٣", "½", True, False, [], [1], {}, {"amount": 1},
    )  # fmt: skip
    for field, (low, high) in NUMBER_FIELDS.items():
        beyond: tuple[Any, ...] = ()
        if low is not None:
            beyond += (low - 1, low - 1e-9, str(low - 1), -1e308)
        if high is not None:
            beyond += (high + 1, high + 1e-9, str(high + 1), 1e308)
        for number, value in enumerate((*values, *beyond)):
            # With any type of event: a number is judged wherever it comes.
            event_type = EVENT_TYPES[number % len(EVENT_TYPES)]
            name = f"{field} {number}: {value!r:.30}"
            yield Poison(name, make_text(event_type, **{field: value}), R.INVALID_NUMBER)
        for literal in (b"1e400", b"-1e400", b"1e999999999"):
            name = f"{field} {literal.decode()}"
            yield Poison(name, put(field, literal, "click"), R.INVALID_NUMBER)
