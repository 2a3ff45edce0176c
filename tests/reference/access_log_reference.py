"""What the product must answer for an access log, counted in plain Python.

From a combined log to a `Reference`, by CONTRACT sections 3 and 6 alone: no line is shared with the
product. All totals include bots. Run it to see them:
    python tests/reference/access_log_reference.py [FILE]
"""

from __future__ import annotations

import hashlib
import sys
import time
from calendar import timegm
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

# Beside the repository; tests skip where it is absent.
REAL_LOG = Path(__file__).resolve().parents[3] / "shared" / "data" / "apache_access.log"

GAP_S = 30 * 60
PAGE_ENDINGS = ("html", "htm", "xhtml", "php", "asp", "aspx", "jsp")


@dataclass(frozen=True, order=True)
class View:
    """A page view; sorted by (time, event_id)."""

    time_s: int
    event_id: str
    visitor: str
    path: str


@dataclass
class Page:
    page_views: int = 0
    visitors: set[str] = field(default_factory=set)
    entries: int = 0
    exits: int = 0
    bounces: int = 0  # of the sessions that began here

    @property
    def unique_visitors(self) -> int:
        return len(self.visitors)

    @property
    def bounce_rate(self) -> float | None:
        return self.bounces / self.entries if self.entries else None


@dataclass
class Sessions:
    sessions: int = 0
    engaged_sessions: int = 0
    page_views: int = 0
    durations_s: list[int] = field(default_factory=list)
    visitors: set[str] = field(default_factory=set)

    @property
    def bounces(self) -> int:
        return self.sessions - self.engaged_sessions

    @property
    def bounce_rate(self) -> float:
        return self.bounces / self.sessions

    @property
    def duration_sum_s(self) -> int:
        return sum(self.durations_s)

    @property
    def avg_duration_s(self) -> float:
        return self.duration_sum_s / self.sessions

    @property
    def pages_per_session(self) -> float:
        return self.page_views / self.sessions

    @property
    def unique_visitors(self) -> int:
        return len(self.visitors)


@dataclass
class Reference:
    """Everything counted; `first_s` and `last_s` are epoch seconds of the page views."""

    lines: int = 0
    accepted: int = 0
    dead_letters: list[int] = field(default_factory=list)  # line numbers, from 1
    skipped: Counter[str] = field(default_factory=Counter)
    views: list[View] = field(default_factory=list)
    pages: dict[str, Page] = field(default_factory=lambda: defaultdict(Page))
    sessions: Sessions = field(default_factory=Sessions)
    first_s: int = 0
    last_s: int = 0


def count(path: str | Path = REAL_LOG) -> Reference:
    """Count a log."""
    reference = Reference()
    seen: Counter[bytes] = Counter()
    for number, line in enumerate(Path(path).read_bytes().split(b"\n"), 1):
        if not line:
            continue
        reference.lines += 1
        copies_before = seen[line]
        seen[line] += 1
        try:
            address, when, request, status, agent = take_apart(line)
        except ValueError:
            reference.dead_letters.append(number)
            continue
        words = request.split(b" ")
        if words[0] != b"GET":
            reference.skipped["method"] += 1
        elif status != 304 and status // 100 != 2:
            reference.skipped["status"] += 1
        elif (page := words[1].split(b"?")[0].split(b"#")[0]) and not is_page(page):
            reference.skipped["static"] += 1
        else:
            event_id = shorten(line + b"\n" + str(copies_before).encode())
            visitor = shorten(address + b" " + agent)
            reference.views.append(View(when, event_id, visitor, page.decode() or "/"))
    reference.accepted = len(reference.views)
    count_views(reference)
    return reference


def take_apart(line: bytes) -> tuple[bytes, int, bytes, int, bytes]:
    """Address, epoch seconds, request, status and agent. ValueError: it is no such line."""
    before, request, between, _referrer, space, agent, rest = split_at_quotes(line)
    if space != b" " or rest.strip():
        raise ValueError("something stands where nothing should")
    left, bracket, stamp = before.partition(b"[")
    address, _identity, _user, _nothing = left.split(b" ")
    moment, offset = stamp.rstrip(b" ").rstrip(b"]").decode().split(" ")
    status, _size, _nothing = between.lstrip(b" ").split(b" ")
    parsed = time.strptime(moment, "%d/%b/%Y:%H:%M:%S")
    offset_s = (int(offset[1:3]) * 60 + int(offset[3:])) * 60
    when = timegm(parsed) - (offset_s if offset[0] == "+" else -offset_s)
    if not bracket:
        raise ValueError("no time")
    return address, when, request, int(status), agent


def split_at_quotes(line: bytes) -> list[bytes]:
    """The seven pieces outside and inside of three pairs of quotes; backslashes shield quotes."""
    pieces = [bytearray()]
    is_shielded = False
    for byte in line:
        if byte == ord('"') and not is_shielded:
            pieces.append(bytearray())
        else:
            pieces[-1].append(byte)
        is_shielded = byte == ord("\\") and not is_shielded
    if len(pieces) != 7:
        raise ValueError(f"{len(pieces) - 1} quotes, not 6")
    return [bytes(piece) for piece in pieces]


def is_page(path: bytes) -> bool:
    name = path.split(b"/")[-1].decode()
    return "." not in name or name.split(".")[-1].lower() in ("", *PAGE_ENDINGS)


def shorten(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def count_views(reference: Reference) -> None:
    """Pages, and sessions by the 30-minute gap (exactly 30:00 continues)."""
    views = reference.views
    by_visitor: dict[str, list[View]] = defaultdict(list)
    for view in sorted(views):
        by_visitor[view.visitor].append(view)
        reference.pages[view.path].page_views += 1
        reference.pages[view.path].visitors.add(view.visitor)
    reference.first_s = min(view.time_s for view in views)
    reference.last_s = max(view.time_s for view in views)
    for own in by_visitor.values():
        begin = 0
        for end in range(1, len(own) + 1):
            if end == len(own) or own[end].time_s - own[end - 1].time_s > GAP_S:
                count_session(own[begin:end], reference)
                begin = end


def count_session(session: list[View], reference: Reference) -> None:
    duration_s = session[-1].time_s - session[0].time_s
    is_engaged = duration_s >= 10 or len(session) >= 2
    totals = reference.sessions
    totals.sessions += 1
    totals.engaged_sessions += is_engaged
    totals.page_views += len(session)
    totals.durations_s.append(duration_s)
    totals.visitors.add(session[0].visitor)
    reference.pages[session[0].path].entries += 1
    reference.pages[session[0].path].bounces += not is_engaged
    reference.pages[session[-1].path].exits += 1


def summarize(reference: Reference) -> str:
    totals = reference.sessions
    lines = [
        f"lines {reference.lines}, page views {reference.accepted}, "
        f"dead letters {len(reference.dead_letters)} (lines {reference.dead_letters}), "
        f"skipped {dict(reference.skipped)}",
        f"from {time.strftime('%FT%TZ', time.gmtime(reference.first_s))} "
        f"to {time.strftime('%FT%TZ', time.gmtime(reference.last_s))}",
        f"sessions {totals.sessions}, engaged {totals.engaged_sessions}, bounces {totals.bounces} "
        f"(rate {totals.bounce_rate:.6f}), duration sum {totals.duration_sum_s} s, "
        f"mean {totals.avg_duration_s:.6f} s, longest {max(totals.durations_s)} s, "
        f"pages per session {totals.pages_per_session:.6f}, "
        f"unique visitors {totals.unique_visitors}",
        f"pages {len(reference.pages)}; page_views, unique visitors, entries, exits, bounces:",
    ]
    for path, page in sorted(reference.pages.items(), key=lambda item: -item[1].page_views)[:15]:
        lines.append(
            f"  {page.page_views:5} {page.unique_visitors:5} {page.entries:5} {page.exits:5} "
            f"{page.bounces:5}  {path}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(summarize(count(sys.argv[1] if len(sys.argv) > 1 else REAL_LOG)) + "\n")
