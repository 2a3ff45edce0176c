"""Sessions made by hand, each with the verdict that its behaviour deserves.

Bots, and the people who are easily taken for them. A session is a list of rows of silver.events, as
far as behaviour looks at them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from schemas.bots import BotReason
from tests.streaming.records import NOON, at

Row = dict[str, Any]
RATE = BotReason.BEHAVIOUR_RATE
NO_THINK_TIME = BotReason.BEHAVIOUR_NO_THINK_TIME
SINGLE_TYPE = BotReason.BEHAVIOUR_SINGLE_TYPE
_SCREEN = {"screen_width": 1920, "viewport_width": 1903, "load_time_ms": 812.5}
_NO_SCREEN: dict[str, Any] = dict.fromkeys(_SCREEN)


def act(kind: str, at_s: float, client_s: float | None = None, **fields: Any) -> Row:
    """One event so many seconds into the session; `client_s`: where the client's clock differs."""
    return {
        "event_type": kind,
        "event_time": at(at_s),
        "client_time": at(at_s if client_s is None else client_s),
        "page_path": "/",
        **_NO_SCREEN,
        **fields,
    }


def view(at_s: float, page: int = 0, client_s: float | None = None, **fields: Any) -> Row:
    """A page view in a browser on a screen."""
    return act("page_view", at_s, client_s, page_path=f"/page/{page}", **{**_SCREEN, **fields})


def browse(count: int, each_s: float, *, pages: int = 20, **fields: Any) -> list[Row]:
    """Page views at a steady pace, over so many different pages."""
    return [view(number * each_s, number % pages, **fields) for number in range(count)]


def repeat(kind: str, count: int, each_s: float, from_s: float = 0) -> list[Row]:
    return [act(kind, from_s + number * each_s) for number in range(count)]


# What a program does.
BOTS: dict[str, tuple[BotReason, list[Row]]] = {
    "script in a browser": (NO_THINK_TIME, browse(40, 0.25)),
    "script at a server that knows no screens": (NO_THINK_TIME, browse(40, 0.25, **_NO_SCREEN)),
    "script whose pages send vitals by themselves": (
        NO_THINK_TIME,
        browse(40, 0.25) + repeat("custom_event", 80, 0.125),
    ),
    "script by a clock a day behind": (
        NO_THINK_TIME,
        [view(number / 4, number % 20, number / 4 - 86_400) for number in range(40)],
    ),
    "just as many, just fast enough": (NO_THINK_TIME, browse(30, 0.499)),
    "flood of pages": (RATE, browse(700, 0.08)),
    "flood of pages with clicks between": (RATE, browse(1400, 0.08) + repeat("click", 5, 20)),
    "flood of clicks": (RATE, [view(0), *repeat("click", 620, 0.08)]),
    "flood of forms, and no page": (RATE, repeat("form_submit", 620, 0.01)),
    "reader of the whole site": (SINGLE_TYPE, browse(120, 0.9, **_NO_SCREEN)),
}

# What a person may do, and what proves nothing.
PEOPLE: dict[str, list[Row]] = {
    "one event": [view(0)],
    "opens ten tabs in five seconds": browse(10, 0.5),
    "opens a folder of 40 bookmarks, and reads": [
        *browse(40, 0.05, pages=40),
        *repeat("scroll", 30, 10, from_s=20),
    ],
    "the same, where only a timer tells of the reading": [
        *browse(40, 0.05, pages=40),
        *repeat("custom_event", 10, 15, from_s=15),
    ],
    "loads a page again and again": browse(60, 0.3, pages=1),
    "keeps the key for that pressed": browse(900, 0.05, pages=1, **_NO_SCREEN),
    "goes to and fro between two pages": browse(60, 0.4, pages=2),
    "types where each letter is a page view of one path": browse(80, 0.15, pages=1),
    "skims a gallery": [*browse(60, 0.3, pages=60), act("click", 4)],
    "skims a gallery without a click": browse(300, 0.8, pages=200),
    "reads 200 pages at a server that knows no screens": browse(200, 3, **_NO_SCREEN),
    "reads on while the page reports by itself": [
        *browse(120, 0.9, **_NO_SCREEN),
        act("custom_event", 50),
    ],
    "opens an application that tells much within seconds": [
        view(0),
        *repeat("custom_event", 400, 0.01),
        *repeat("scroll", 300, 0.02),
    ],
    "scrolls through endless products": [
        view(0),
        *repeat("scroll", 900, 0.05),
        *repeat("custom_event", 900, 0.05),
    ],
    "plays a game of clicks": [view(0), *repeat("click", 900, 0.2)],
    "watches a page that loads itself each 5 s": browse(200, 5, pages=1, **_NO_SCREEN),
    "is watched each 20 minutes": browse(30, 1200, pages=1, **_NO_SCREEN),
    "a sender that knows the day only": [
        view(number / 4, number % 20, client_s=-43_200) for number in range(40)
    ],
    "a clock years ahead, sent late: all at the arrival": [
        view(number / 100, number % 20, client_s=10**8 + number * 30) for number in range(40)
    ],
    "a clock that was set back to the start each minute": [
        view(number * 6, number % 20, client_s=number * 6 % 12) for number in range(40)
    ],
    "just too few": browse(29, 0.25),
    "just slow enough": browse(31, 0.5),
    "just too few pages": browse(40, 0.25, pages=7),
    "just below the greatest rate": browse(600, 0.1, pages=7) + repeat("click", 600, 0.1),
}
EXPECTED: dict[str, BotReason | None] = {
    **{name: reason for name, (reason, _) in BOTS.items()},
    **dict.fromkeys(PEOPLE),
}


def all_rows() -> Iterable[Row]:
    """Every session's rows, the session's name as visitor_id."""
    sessions = {name: rows for name, (_, rows) in BOTS.items()} | PEOPLE
    for name, rows in sessions.items():
        for row in rows:
            yield {"visitor_id": name, **row}


LAST = at(100_000, NOON)  # after every session
