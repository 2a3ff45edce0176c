"""Combined access logs, whatever is in them: nothing raises, nothing is lost, ids hold."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import datetime, timedelta, timezone
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from cli.access_log import Fate, read_log
from tests.cli.log_lines import make_line


def _event(line: bytes, host: str = "localhost") -> dict[str, Any]:
    (verdict,) = read_log([line + b"\n"], host)
    assert verdict.fate is Fate.EVENT
    event: dict[str, Any] = json.loads(verdict.value)
    assert verdict.key == event["anonymous_id"].encode()
    return event


@given(st.binary(max_size=200))
@example(b'a - - [17/May/2015:10:05:03 +0000] "' + b"\\" * 99)
def test_no_bytes_raise(noise: bytes) -> None:
    for line in (
        noise,
        make_line(noise),
        make_line(agent=noise),
        make_line(time=noise),
        make_line(more=noise),
    ):
        for verdict in read_log([line]):
            assert isinstance(verdict.fate, Fate)
            if verdict.fate is Fate.EVENT:
                assert json.loads(verdict.value)["event_type"] == "page_view"


_printable = st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\x7f"))
_times = st.datetimes(
    datetime(1970, 1, 2),
    datetime(2200, 1, 1),
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m))),
)


@given(agent=_printable, referrer=_printable, query=_printable, at=_times)
def test_what_the_server_wrote_is_read_back(
    agent: str, referrer: str, query: str, at: datetime
) -> None:
    at = at.replace(microsecond=0, fold=0)
    event = _event(
        make_line(
            b"GET /p?" + _escape(query) + b" HTTP/1.1",
            time=at.strftime("%d/%b/%Y:%H:%M:%S %z").encode(),
            referrer=_escape(referrer),
            agent=_escape(agent),
        )
    )
    assert event["page_url"] == "http://localhost/p?" + query
    assert event.get("referrer", "-") == (referrer or "-")
    assert event.get("user_agent", "-") == (agent or "-")
    assert datetime.fromisoformat(event["event_timestamp"]) == at


def _escape(text: str) -> bytes:
    """As Apache writes it: ASCII as it is, quotes and backslashes shielded, other bytes in hex."""
    out = b""
    for byte in text.encode():
        if byte in b'"\\':
            out += b"\\" + bytes([byte])
        else:
            out += bytes([byte]) if 0x20 <= byte < 0x7F else b"\\x%02x" % byte
    return out


def _ids(lines: list[bytes]) -> list[str]:
    return [json.loads(verdict.value)["event_id"] for verdict in read_log(lines)]


_pages = st.sampled_from([b"/", b"/a", b"/b", b"/c"]).map(lambda p: make_line(b"GET " + p) + b"\n")


@given(st.lists(_pages, max_size=12), st.randoms(use_true_random=False))
def test_ids_are_those_of_the_line_and_its_number_among_its_copies(
    lines: list[bytes], rng: random.Random
) -> None:
    ids = _ids(lines)
    assert len(set(ids)) == len(ids)
    assert _ids(lines) == ids
    shuffled = rng.sample(lines, len(lines))
    assert Counter(_ids(shuffled)) == Counter(ids)


def test_a_line_end_does_not_change_the_id() -> None:
    line = make_line()
    assert _ids([line + b"\n"]) == _ids([line + b"\r\n"]) == _ids([line])
