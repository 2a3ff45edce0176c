"""Combined log lines, well-formed unless asked otherwise."""

from __future__ import annotations

AGENT = b"Mozilla/5.0 (X11; Linux x86_64)"


def make_line(
    request: bytes = b"GET / HTTP/1.1",
    *,
    user: bytes = b"-",
    time: bytes = b"17/May/2015:10:05:03 +0000",
    status: bytes = b"200",
    size: bytes = b"12",
    referrer: bytes = b"-",
    agent: bytes = AGENT,
    more: bytes = b"",
) -> bytes:
    return b'203.0.113.9 - %b [%b] "%b" %b %b "%b" "%b"%b' % (
        user,
        time,
        request,
        status,
        size,
        referrer,
        agent,
        more,
    )
