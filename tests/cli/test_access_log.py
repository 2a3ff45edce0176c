"""Combined access logs: what parses, what becomes a page view, and the ids."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from cli.access_log import Fate, is_page, path_and_query, read_line, read_log, unescape
from tests.cli.log_lines import AGENT, make_line
from tests.reference.access_log_reference import REAL_LOG, count


def _fate(line: bytes) -> Fate:
    (verdict,) = read_log([line + b"\n"])
    return verdict.fate


def _event(line: bytes, host: str = "localhost") -> dict[str, Any]:
    (verdict,) = read_log([line + b"\n"], host)
    assert verdict.fate is Fate.EVENT
    event: dict[str, Any] = json.loads(verdict.value)
    assert verdict.key == event["anonymous_id"].encode()
    return event


def test_a_page_view_has_what_the_log_says() -> None:
    event = _event(
        make_line(
            b"GET /a/b.html?q=%20x&width=100% HTTP/1.1",
            time=b"17/May/2015:23:05:03 -0230",
            referrer=b"https://example.org/",
        ),
        host="blog.example.com",
    )
    assert re.fullmatch("[0-9a-f]{32}", event.pop("event_id"))
    assert re.fullmatch("[0-9a-f]{32}", event.pop("anonymous_id"))
    assert event == {
        "event_type": "page_view",
        "event_timestamp": "2015-05-18T01:35:03+00:00",
        "page_url": "http://blog.example.com/a/b.html?q=%20x&width=100%",
        "referrer": "https://example.org/",
        "user_agent": AGENT.decode(),
        "ip_address": "203.0.113.9",
        "tracker": "access_log",
    }


def test_a_dash_is_no_referrer_and_no_agent() -> None:
    event = _event(make_line(agent=b"-"))
    assert "referrer" not in event
    assert "user_agent" not in event


@pytest.mark.parametrize(
    ("line", "fate"),
    [
        (make_line(b"GET /about HTTP/1.1"), Fate.EVENT),
        (make_line(b"GET /about"), Fate.EVENT),  # HTTP/0.9
        (make_line(b"GET /two words HTTP/1.1"), Fate.EVENT),
        (make_line(b"GET http://elsewhere.example/x.php HTTP/1.1"), Fate.EVENT),
        (make_line(status=b"206"), Fate.EVENT),
        (make_line(status=b"304", size=b"-"), Fate.EVENT),
        (make_line(user=b"a user with spaces"), Fate.EVENT),
        (make_line(more=b' "198.51.100.7" 0.003'), Fate.EVENT),
        (make_line(agent=rb"says \"hi\" and \\"), Fate.EVENT),
        (make_line(agent=b"caf\xe9"), Fate.EVENT),
        (make_line(b"POST / HTTP/1.1"), Fate.METHOD),
        (make_line(b"get / HTTP/1.1"), Fate.METHOD),
        (make_line(b"HEAD /logo.png HTTP/1.1", status=b"404"), Fate.METHOD),
        (make_line(b"-", status=b"408"), Fate.METHOD),
        (make_line(rb"\x16\x03\x01\x02", status=b"400"), Fate.METHOD),
        (make_line(b"", status=b"400"), Fate.METHOD),
        (make_line(status=b"301"), Fate.STATUS),
        (make_line(b"GET /logo.png HTTP/1.1", status=b"404"), Fate.STATUS),
        (make_line(b"GET nowhere HTTP/1.1", status=b"400"), Fate.STATUS),
        (make_line(b"GET /logo.png?page=a.html HTTP/1.1"), Fate.STATIC),
        (b"", Fate.BLANK),
        (b" \r", Fate.BLANK),
        (b"nonsense", Fate.RAW),
        (make_line()[:-1], Fate.RAW),  # cut in the middle of the agent
        (make_line()[:60], Fate.RAW),
        (make_line(agent=b'says "hi" unescaped'), Fate.RAW),
        (make_line(agent=b"ends with a backslash\\"), Fate.RAW),
        (make_line(time=b"31/Feb/2015:10:05:03 +0000"), Fate.RAW),
        (make_line(time=b"17/Mai/2015:10:05:03 +0000"), Fate.RAW),
        (make_line(time=b"17/May/2015:10:05:03 +9900"), Fate.RAW),
        (
            make_line(time=b"01/Jan/0001:00:00:00 +0100"),
            Fate.RAW,
        ),  # in UTC, before year 1
        (make_line(time=b"17/May/2015:10:05:03"), Fate.RAW),
        (make_line(status=b"20"), Fate.RAW),
        (make_line(size=b"many"), Fate.RAW),
        (make_line(b"GET nowhere HTTP/1.1"), Fate.RAW),
        (make_line(b"GET"), Fate.RAW),
        (b'www.example.com:80 203.0.113.9 - - [x] "GET / HTTP/1.1" 200 1 "-" "-"', Fate.RAW),
        (b'203.0.113.9 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1', Fate.RAW),
    ],
)
def test_what_becomes_of_a_line(line: bytes, fate: Fate) -> None:
    assert _fate(line) is fate


def test_a_raw_line_is_sent_without_its_line_end() -> None:
    (verdict,) = read_log([b"non\xffsense\r\n"])
    assert (verdict.value, verdict.key) == (b"non\xffsense", None)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", True),
        ("/blog", True),
        ("/v1.2/", True),
        ("/index.HTML", True),
        ("/a.php?x=logo.png", True),
        ("/a.jsp#b.png", True),
        ("/trailing.", True),
        ("/a.b.aspx", True),
        ("/feed.xml", False),
        ("/a.html.gz", False),
        ("/.htaccess", False),
        ("/x.html%20target=", False),
    ],
)
def test_pages_are_told_by_their_extension(path: str, expected: bool) -> None:
    assert is_page(path) is expected


def test_an_absolute_target_keeps_only_path_and_query() -> None:
    assert path_and_query("HTTP://other.example:8080/a?b=c") == "/a?b=c"
    assert path_and_query("http://other.example") == "/"
    assert path_and_query("http://other.example?b=c") == "/?b=c"
    assert path_and_query("//other.example/a") == "//other.example/a"
    assert path_and_query("*") is None
    assert path_and_query("") is None


def test_escapes_are_undone_where_that_gives_text() -> None:
    assert unescape(rb"a\"b\\c") == 'a"b\\c'
    assert unescape(rb"caf\xc3\xa9") == "café"
    assert unescape(rb"caf\xe9\x00\n") == r"caf\xe9\x00\n"
    assert unescape(b"caf\xe9") == r"caf\xe9"
    assert unescape(rb"\\x41") == r"\x41"


def test_another_agent_is_another_visitor() -> None:
    first, again, other = (_event(make_line(r, agent=a)) for r, a in [
        (b"GET /a", b"A"), (b"GET /b", b"A"), (b"GET /a", b"B"),
    ])  # fmt: skip
    assert first["anonymous_id"] == again["anonymous_id"] != other["anonymous_id"]


def test_fields_stay_bytes_until_they_are_needed() -> None:
    entry = read_line(make_line(b"GET /\xff HTTP/1.0", agent=b"\xfe"))
    assert entry is not None
    assert (entry.target, entry.agent, entry.status) == (b"/\xff", b"\xfe", 200)


@pytest.mark.skipif(not REAL_LOG.exists(), reason="the real log is not beside the repository")
def test_the_real_log_agrees_with_the_reference() -> None:
    with REAL_LOG.open("rb") as lines:
        verdicts = list(read_log(lines))
    reference = count(REAL_LOG)
    fates = Counter(verdict.fate for verdict in verdicts)
    assert fates.pop(Fate.RAW) == 1 == len(reference.dead_letters)
    assert verdicts[reference.dead_letters[0] - 1].fate is Fate.RAW
    assert fates.pop(Fate.EVENT) == reference.accepted == 3770
    assert fates == reference.skipped
    events = [json.loads(verdict.value) for verdict in verdicts if verdict.fate is Fate.EVENT]
    made = {
        (
            int(datetime.fromisoformat(event["event_timestamp"]).timestamp()),
            event["event_id"],
            event["anonymous_id"],
            event["page_url"].removeprefix("http://localhost").partition("?")[0],
        )
        for event in events
    }
    assert made == {(v.time_s, v.event_id, v.visitor, v.path) for v in reference.views}
