"""The sessions of one visitor as docs/adr/0003 has them cut, in plain Python: another code path.

From the times of a visitor's events to (start, end, number of events). Times are whole seconds
since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Iterable

DAY_S = 86_400

Session = tuple[int, int, int]


def expect_sessions(times: Iterable[int], gap_s: int) -> list[Session]:
    """Pieces end at a gap or a midnight; two that meet at a midnight join if they stay short."""
    pieces: list[list[int]] = []
    for time in sorted(times):
        last = pieces[-1][1] if pieces else None
        if last is not None and time - last <= gap_s and time // DAY_S == last // DAY_S:
            pieces[-1][1] = time
            pieces[-1][2] += 1
        else:
            pieces.append([time, time, 1])
    sessions: list[Session] = []
    before: list[int] | None = None  # the piece before, if no other has joined it
    for piece in pieces:
        start, end, count = piece
        is_joined = (
            before is not None
            and start - before[1] <= gap_s
            and end - before[0] <= DAY_S - 2 * gap_s
        )
        if is_joined and before is not None:
            sessions[-1] = (before[0], end, before[2] + count)
        else:
            sessions.append((start, end, count))
        before = piece
    return sessions
