"""What goes wrong on the way: late events, copies, personal data, records that nobody can read.

From events in order to records in order, the faults among them; each record says what it is.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from random import Random

from schemas.reject import RejectReason
from traffic.actions import Event
from traffic.agents import BotKind
from traffic.malformed import draw_malformed
from traffic.personal import Planted, plant_personal_data
from traffic.visits import Step, Visitor

Timed = tuple[int, int, Step]  # (time of sending in ms, time of the event in ms, event)

_HOUR_MS = 3_600_000
_LEAST_LATE_MS, _MOST_LATE_MS = _HOUR_MS, 72 * _HOUR_MS
_MOST_OUT_OF_ORDER_MS = 30_000
_CONFLICT_SHARE = 0.1  # of the copies: same id, other body
_LENT_SHARE = 0.05  # per copy: an event of another site that bears the same id by accident


@dataclass(frozen=True)
class Faults:
    """How often: shares of visitors, of visits, or of events."""

    bots: float = 0.0  # of new visitors; and a tenth as many visits by scripted bots
    late: float = 0.0  # of events; as many more come seconds out of order
    duplicates: float = 0.0  # of events
    invalid: float = 0.0  # malformed records on top, per event
    pii: float = 0.0  # of events
    no_consent: float = 0.0  # of new visitors
    wrong_clocks: float = 0.0  # of visits, each by a visitor of its own


ALL_FAULTS = Faults(
    bots=0.1,
    late=0.03,
    duplicates=0.05,
    invalid=0.02,
    pii=0.02,
    no_consent=0.05,
    wrong_clocks=0.03,
)


@dataclass(slots=True)
class Record:
    """One Kafka record to be sent at `at_ms`: an event, a copy of one, or malformed bytes."""

    at_ms: int
    content: Event | bytes | None  # None: a tombstone
    event_ms: int = 0  # when it happened, by a right clock
    step: Step | None = None  # what is known of the event; of malformed records nothing is
    is_copy: bool = False
    is_conflict: bool = False  # a copy with another body
    is_late: bool = False
    is_out_of_order: bool = False
    reason: RejectReason | None = None  # why it will be rejected
    planted: Planted | None = None  # the personal data in it

    def encode(self) -> bytes | None:
        """The record's value."""
        if not isinstance(self.content, dict):
            return self.content
        return json.dumps(self.content, ensure_ascii=False, separators=(",", ":")).encode()

    def key(self) -> bytes | None:
        """The record's key: its visitor."""
        return self.step.visitor.visitor_id.encode() if self.step else None


def add_faults(
    events: Iterable[Timed], faults: Faults, rng: Random, end_ms: int | None
) -> Iterator[Record]:
    """Stamp each event, and let faults happen around it.

    end_ms: everything held back is sent by then; without it, late events cannot wait for hours,
    and happened hours ago instead.
    """
    held: list[tuple[int, int, Record]] = []  # (time of sending, tie-breaker, record)
    number = count()
    spoils = draw_malformed(rng)
    lent: tuple[str, str] | None = None
    at_ms = 0
    for at_ms, event_ms, step in events:
        while held and held[0][0] <= at_ms:
            yield heapq.heappop(held)[2]
        if rng.random() < faults.invalid:
            spoiled = _stamp(dict(step.event), step.visitor, at_ms, at_ms)
            spoiled["event_id"] = f"{rng.getrandbits(128):032x}"
            reason, spoil = next(spoils)
            yield Record(at_ms, spoil(spoiled), reason=reason)
        record = Record(at_ms, step.event, event_ms, step)
        is_right = not step.visitor.skew_ms
        if is_right:
            lent = _lend_id(step.event, lent, faults, rng)
            _delay(record, step.visitor, faults, rng, end_ms)
        if rng.random() < faults.pii:
            record.planted = plant_personal_data(rng, step)
        _stamp(step.event, step.visitor, record.event_ms, at_ms)
        if record.at_ms > at_ms:
            heapq.heappush(held, (record.at_ms, next(number), record))
        else:
            yield record
        # A copy of a wrong clock's event would need the first one's time of arrival.
        if is_right and rng.random() < faults.duplicates:
            copy = _copy(record, rng, end_ms)
            heapq.heappush(held, (copy.at_ms, next(number), copy))
    while held:
        due_ms, _, record = heapq.heappop(held)
        record.at_ms = min(due_ms, at_ms if end_ms is None else end_ms)
        yield record


def _stamp(event: Event, visitor: Visitor, event_ms: int, sent_ms: int) -> Event:
    """Write the times by the visitor's clock, in the tracker's way."""
    event["event_timestamp"] = _write_time(event_ms + visitor.skew_ms, visitor)
    if visitor.has_sent_time:
        event["sent_timestamp"] = _write_time(sent_ms + visitor.skew_ms, visitor)
    return event


def _write_time(at_ms: int, visitor: Visitor) -> int | str:
    if visitor.iso_offset is None:
        return at_ms
    zone = timezone(timedelta(minutes=visitor.iso_offset)) if visitor.iso_offset else UTC
    text = datetime.fromtimestamp(at_ms / 1000, zone).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _delay(
    record: Record, visitor: Visitor, faults: Faults, rng: Random, end_ms: int | None
) -> None:
    """Make the event late, or out of order, or leave it."""
    luck = rng.random()
    # One scripted event alone, hours before the others, would show no behaviour to judge.
    if luck < faults.late and visitor.bot is not BotKind.SCRIPTED:
        delay_ms = rng.randrange(_LEAST_LATE_MS, _MOST_LATE_MS)
        if end_ms is None:
            record.event_ms -= delay_ms
            record.is_late = True
        elif record.at_ms + _LEAST_LATE_MS <= end_ms:
            record.at_ms = min(record.at_ms + delay_ms, end_ms)
            record.is_late = True
    elif faults.late <= luck < 2 * faults.late:
        record.at_ms += rng.randrange(1000, _MOST_OUT_OF_ORDER_MS)
        if end_ms is not None:
            record.at_ms = min(record.at_ms, end_ms)
        record.is_out_of_order = True


def _copy(record: Record, rng: Random, end_ms: int | None) -> Record:
    """The event again: at once, within half a minute, or hours later."""
    delay_ms = rng.choice((0, 0, 0, rng.randrange(30_000), rng.randrange(24 * _HOUR_MS)))
    due_ms = record.at_ms + delay_ms
    copy = replace(record, at_ms=due_ms if end_ms is None else min(due_ms, end_ms), is_copy=True)
    if rng.random() < _CONFLICT_SHARE and record.planted is None and isinstance(copy.content, dict):
        # Whichever of the two comes first, nothing that is counted differs.
        title = f"{copy.content['page_title']} (again)"
        copy.content = copy.content | {"page_title": title, "retry": 1}
        copy.is_conflict = True
    return copy


def _lend_id(
    event: Event, lent: tuple[str, str] | None, faults: Faults, rng: Random
) -> tuple[str, str] | None:
    """Let an event take another site's id: identity is site and id. What is lent afterwards."""
    if lent and lent[0] != event["site_id"]:
        event["event_id"] = lent[1]
        return None
    if lent is None and rng.random() < faults.duplicates * _LENT_SHARE:
        return event["site_id"], event["event_id"]
    return lent
