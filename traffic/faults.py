"""What goes wrong on the way: late events, copies, and records that nobody can read.

From events in order to records in order, the faults among them; each record says what it is.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from random import Random

from schemas.reject import RejectReason
from traffic.visits import Event

_HOUR_MS = 3_600_000
_LONGEST_DELAY = 500  # records between an event and its delayed copy


@dataclass(frozen=True)
class Faults:
    """How often: `late` and `duplicates` per event, `invalid` records on top, per event."""

    bots: float = 0.0  # share of new visitors
    late: float = 0.0
    duplicates: float = 0.0
    invalid: float = 0.0


@dataclass(frozen=True, slots=True)
class Record:
    """One Kafka record to be sent at `at_ms`: an event, a copy of one, or malformed bytes."""

    at_ms: int
    content: Event | bytes
    is_copy: bool = False
    is_late: bool = False
    is_bot: bool = False
    reason: RejectReason | None = None  # why it will be rejected

    def encode(self) -> bytes:
        """The record's value."""
        if isinstance(self.content, bytes):
            return self.content
        return json.dumps(self.content, ensure_ascii=False, separators=(",", ":")).encode()


def add_faults(
    events: Iterable[tuple[int, bool, Event]], faults: Faults, rng: Random
) -> Iterator[Record]:
    """Stamp each (time, is_bot, event), and let faults happen around it."""
    copies: list[tuple[int, int, Record]] = []  # (position when due, position of the event, copy)
    at_ms = 0
    for position, (at_ms, is_bot, event) in enumerate(events):
        while copies and copies[0][0] <= position:
            yield replace(heapq.heappop(copies)[2], at_ms=at_ms)
        if rng.random() < faults.invalid:
            reason = rng.choice(tuple(_SPOIL))
            yield Record(at_ms, _SPOIL[reason](event | {"event_timestamp": at_ms}), reason=reason)
        is_late = rng.random() < faults.late
        delay_ms = rng.randrange(_HOUR_MS, 72 * _HOUR_MS) if is_late else 0
        event["event_timestamp"] = at_ms - delay_ms
        record = Record(at_ms, event, is_late=is_late, is_bot=is_bot)
        yield record
        if rng.random() < faults.duplicates:
            delay = rng.choice((0, 0, rng.randrange(_LONGEST_DELAY)))
            copy = replace(record, is_copy=True)
            heapq.heappush(copies, (position + 1 + delay, position, copy))
    for _, _, copy in sorted(copies, key=lambda due: due[:2]):
        yield replace(copy, at_ms=at_ms)


def _dump(event: Event, **changes: object) -> bytes:
    return json.dumps(event | changes, separators=(",", ":")).encode()


def _drop(event: Event, name: str) -> bytes:
    return _dump({key: value for key, value in event.items() if key != name})


_SPOIL: dict[RejectReason, Callable[[Event], bytes]] = {
    RejectReason.NOT_JSON: lambda event: _dump(event)[:-20],
    RejectReason.NOT_AN_OBJECT: lambda event: b"[" + _dump(event) + b"]",
    RejectReason.NOT_UTF8: lambda event: _dump(event)[:-1] + b',"note":"caf\xe9"}',
    RejectReason.BYTE_ORDER_MARK: lambda event: b"\xef\xbb\xbf" + _dump(event),
    RejectReason.DUPLICATE_KEY: lambda event: _dump(event)[:-1] + b',"event_type":"click"}',
    RejectReason.MISSING_FIELD: lambda event: _drop(event, "event_id"),
    RejectReason.UNKNOWN_EVENT_TYPE: lambda event: _dump(event, event_type="pageview"),
    RejectReason.INVALID_LENGTH: lambda event: _dump(event, event_id="x" * 200),
    RejectReason.INVALID_TIMESTAMP: lambda event: _dump(event, event_timestamp="yesterday"),
    RejectReason.INVALID_URL: lambda event: _dump(
        event, event_type="page_view", page_url="/only/a/path"
    ),
    RejectReason.INVALID_NUMBER: lambda event: _dump(
        event, event_type="scroll", scroll_depth_percent=250
    ),
}
