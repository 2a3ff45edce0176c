"""Access logs in the combined format as page views (CONTRACT section 6).

From the lines of a log, as bytes, to one `Verdict` for each: an event, the line itself where it
does not parse, or the reason to skip it. `read_line` says what a line that parses is, `make_event`
how the ids are made. Pure, but for a temporary table of the lines seen.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from functools import lru_cache

PAGE_EXTENSIONS = frozenset({"html", "htm", "xhtml", "php", "asp", "aspx", "jsp"})
TRACKER = "access_log"
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

_QUOTED = rb'"([^"\\]*(?:\\.[^"\\]*)*)"'
_LINE = re.compile(
    rb"(\S+) \S+ [^\[]+ \[([^\]]+)\] " + _QUOTED + rb" (\d{3}) (?:\d+|-) "
    rb"" + _QUOTED + rb" " + _QUOTED + rb"(?: [^\n]*)?"
)
_TIME = re.compile(rb"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")
_PROTOCOL = re.compile(rb" HTTP/\d(?:\.\d)?$")
_ORIGIN = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
_ESCAPE = re.compile(rb'\\(?:x([0-9A-Fa-f]{2})|(["\\]))')


class Fate(StrEnum):
    """What becomes of a line."""

    EVENT = "event"
    RAW = "raw"  # sent as it is; it becomes a dead letter
    BLANK = "blank"
    METHOD = "method"  # not GET
    STATUS = "status"  # neither 2xx nor 304
    STATIC = "static"  # an image, a script, a style sheet, ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """A line's fate, with the Kafka record where it has one."""

    fate: Fate
    value: bytes = b""
    key: bytes | None = None


@dataclass(frozen=True, slots=True)
class LogLine:
    """The fields of a combined log line, still as they are in the log."""

    address: bytes
    time: str  # ISO-8601, UTC
    method: bytes
    target: bytes
    status: int
    referrer: bytes
    agent: bytes


def read_log(lines: Iterable[bytes], host: str = "localhost") -> Iterator[Verdict]:
    """Judge each line, in order; `host` is the site's, for `page_url`."""
    repeats = _Repeats()
    for line in lines:
        stripped = line.rstrip(b"\r\n")
        if not stripped.strip():
            yield Verdict(Fate.BLANK)
            continue
        entry = read_line(stripped)
        if entry is None:
            yield Verdict(Fate.RAW, stripped)
        elif entry.method != b"GET":
            yield Verdict(Fate.METHOD)
        elif not (200 <= entry.status < 300 or entry.status == 304):
            yield Verdict(Fate.STATUS)
        else:
            yield _judge_target(stripped, entry, host, repeats)


def read_line(line: bytes) -> LogLine | None:
    """The fields of a line without its line end; None: it does not parse. Never raises.

    A line parses when it has, separated by single spaces: address, identity, user (spaces allowed),
    a time in brackets that exists in the calendar, the request in quotes, three digits of status,
    digits or `-` for the size, referrer and agent in quotes. Inside quotes a backslash escapes the
    next byte, as Apache writes it. What follows the agent after a space (many servers append
    fields) is ignored. Any byte may occur; nothing needs to be UTF-8.
    The request may be anything: its first word is the method, a last word `HTTP/n` the protocol
    (HTTP/0.9 has none), all between them the target, spaces included. So `-` (no request came) and
    binary noise are methods other than GET, and skipped as such.
    """
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    address, time, request, status, referrer, agent = match.groups()
    at = _read_time(time)
    if at is None:
        return None
    method, _, rest = request.partition(b" ")
    target = _PROTOCOL.sub(b"", b" " + rest)[1:]
    return LogLine(address, at, method, target, int(status), referrer, agent)


def make_event(line: bytes, copies_before: int, entry: LogLine, url: str) -> dict[str, str]:
    """The page view of a line.

    event_id: the first 32 hex digits of SHA-256(line + LF + number of earlier identical lines in
    decimal), the line without its line end. anonymous_id: the first 32 hex digits of
    SHA-256(address + space + agent), both as they are in the log.
    """
    event = {
        "event_id": _digest(line + b"\n%d" % copies_before),
        "event_type": "page_view",
        "event_timestamp": entry.time,
        "anonymous_id": _digest(entry.address + b" " + entry.agent),
        "page_url": url,
        "ip_address": unescape(entry.address),
        "tracker": TRACKER,
    }
    if entry.referrer not in (b"-", b""):
        event["referrer"] = unescape(entry.referrer)
    if entry.agent not in (b"-", b""):
        event["user_agent"] = unescape(entry.agent)
    return event


def unescape(field: bytes) -> str:
    r"""A field as the client sent it: `\"`, `\\` and `\xhh` undone.

    Control characters and bytes that are not UTF-8 stay as the log writes them, `\xhh`.
    """
    if b"\\" in field:
        field = _ESCAPE.sub(_undo, field)
    return field.decode("utf-8", "backslashreplace")


def path_and_query(target: str) -> str | None:
    """What follows the host; None where the target is no path (`*`, `host:443`, empty)."""
    origin = _ORIGIN.match(target)  # a client that takes the server for a proxy sends it all
    rest = target[origin.end() :] if origin else target
    if origin and not rest.startswith("/"):
        return "/" + rest
    return rest if rest.startswith("/") else None


def is_page(path: str) -> bool:
    """The path's last segment has no extension, or that of a page."""
    segment = re.split("[?#]", path, maxsplit=1)[0].rpartition("/")[2]
    _, dot, extension = segment.rpartition(".")
    return not dot or not extension or extension.lower() in PAGE_EXTENSIONS


def _judge_target(line: bytes, entry: LogLine, host: str, repeats: _Repeats) -> Verdict:
    path = path_and_query(unescape(entry.target))
    if path is None:
        return Verdict(Fate.RAW, line)
    if not is_page(path):
        return Verdict(Fate.STATIC)
    event = make_event(line, repeats.count_before(line), entry, f"http://{host}{path}")
    value = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    return Verdict(Fate.EVENT, value, event["anonymous_id"].encode())


class _Repeats:
    """How often a line came before, in a temporary SQLite table: 64 MB of memory, then disk."""

    def __init__(self) -> None:
        self._seen = sqlite3.connect("", isolation_level=None)
        for setting in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-65536"):
            self._seen.execute(f"PRAGMA {setting}")
        self._seen.execute(
            "CREATE TABLE seen (line BLOB PRIMARY KEY, copies INTEGER) WITHOUT ROWID"
        )
        self._seen.execute("BEGIN")

    def count_before(self, line: bytes) -> int:
        """The number of earlier calls with the same line."""
        key = (hashlib.sha256(line).digest()[:16],)
        if self._seen.execute("INSERT OR IGNORE INTO seen VALUES (?, 0)", key).rowcount:
            return 0
        self._seen.execute("UPDATE seen SET copies = copies + 1 WHERE line = ?", key)
        (copies,) = self._seen.execute("SELECT copies FROM seen WHERE line = ?", key).fetchone()
        return int(copies)


@lru_cache(maxsize=1024)
def _read_time(text: bytes) -> str | None:
    match = _TIME.fullmatch(text)
    if match is None or match[2].decode() not in _MONTHS:
        return None
    day, year, hour, minute, second = (int(match[group]) for group in (1, 3, 4, 5, 6))
    offset = timedelta(hours=int(match[8]), minutes=int(match[9]))
    try:
        zone = timezone(offset if match[7] == b"+" else -offset)
        month = _MONTHS.index(match[2].decode()) + 1
        at = datetime(year, month, day, hour, minute, second, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):  # a day or an offset that no calendar has
        return None
    return at.isoformat()


def _undo(match: re.Match[bytes]) -> bytes:
    code, quoted = match.groups()
    if code is None:
        return bytes(quoted)
    value = int(code, 16)
    is_control = value < 0x20 or value == 0x7F
    return match[0] if is_control else bytes([value])


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
