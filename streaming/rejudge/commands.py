"""`rebuild` and `replay-dead-letters`: a pass from its request to its difference.

Compute the outcomes, say what they change, and unless it is a dry run put them in place. The flows
then bring sessions and Gold in line, from the change feed of `silver.events`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from schemas import silver
from settings.load import checkpoint_root
from streaming.delta_log import latest_version
from streaming.files import write_text
from streaming.rejudge.diff import Change, compare
from streaming.rejudge.effect import measure_effect
from streaming.rejudge.journal import Pass
from streaming.rejudge.outcomes import Outcomes, settle_clashes
from streaming.rejudge.place import discard_staged, put_in_place, stage_outcomes
from streaming.rejudge.records import Days, select_days, select_letters
from streaming.runtime import Runtime
from streaming.sources import read_table

Say = Callable[[str], None]

# Dead letters as young as this may belong to a session that is still open.
_UNSETTLED = timedelta(days=1)


class RebuildError(Exception):
    """The days cannot be rebuilt as asked; the message has the remedy."""


@dataclass(frozen=True)
class Result:
    """What a pass did, or would do: records judged, and every number that differs."""

    id: str
    is_dry_run: bool
    records: int
    new_events: int
    changes: list[Change]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def rebuild(runtime: Runtime, days: Days, *, is_dry_run: bool, say: Say) -> Result:
    """Make Silver of these days again from Bronze; sessions and Gold follow.

    Dead letters that pass today's rules go in too, but for those of the last 24 hours, whose
    sessions may be open: `replay-dead-letters` brings them. Raises RebuildError.
    """
    one = _new_pass(days)
    say("finding the records")
    version = latest_version(runtime.table(silver.EVENTS.name))
    letters = select_letters(runtime, None, days.first, datetime.now(UTC) - _UNSETTLED)
    records = select_days(runtime, days, version).unionByName(letters)
    say("judging them by today's rules")
    within = days.within("event_date")
    staged = stage_outcomes(runtime, one, records, within)
    _require_days(staged, within)
    return _carry_out(runtime, one, staged, is_dry_run, say)


def replay(runtime: Runtime, reason: str | None, *, is_dry_run: bool, say: Say) -> Result:
    """Judge dead letters by today's rules; what passes enters Silver once."""
    one = _new_pass(None)
    say("judging the dead letters by today's rules")
    staged = stage_outcomes(runtime, one, select_letters(runtime, reason), "true")
    return _carry_out(runtime, one, staged, is_dry_run, say)


def _new_pass(days: Days | None) -> Pass:
    now = datetime.now(UTC)
    span = (days.first.isoformat(), days.last.isoformat()) if days else None
    return Pass(id=f"{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}", at=now.isoformat(), days=span)


def _require_days(staged: Outcomes, within: str) -> None:
    """Rows that are there already must stay within the days: a replaced partition is all or none.

    Raises RebuildError.
    """
    moved = staged.events.where(f"NOT is_new AND NOT ({within})")
    dates: list[date] = [row[0] for row in moved.select("event_date").distinct().collect()]
    if dates:
        raise RebuildError(
            f"by today's rules some events of these days belong to {min(dates)} to {max(dates)}. "
            "Rebuild those days together with these: widen --from and --to."
        )


def _carry_out(runtime: Runtime, one: Pass, staged: Outcomes, is_dry_run: bool, say: Say) -> Result:
    say("comparing")
    staged = settle_clashes(staged, read_table(runtime, silver.EVENTS.name))
    before, after = measure_effect(runtime, one, staged)
    records = sum(
        frame.count() for frame in (staged.events, staged.dead_letters, staged.duplicates)
    )
    new_events = staged.events.where("is_new").count()
    result = Result(one.id, is_dry_run, records, new_events, compare(before, after))
    report = {**result.as_dict(), "at": one.at, "days": one.days}
    write_text(f"{checkpoint_root(runtime.settings)}/rejudged/{one.id}.json", json.dumps(report))
    if is_dry_run:
        discard_staged(runtime, one)
    else:
        say("putting it in place")
        put_in_place(runtime, one)
    return result
