"""What was judged again, and what is still being put in place: survives a crash at any moment.

`<checkpoints>/rejudge.json` holds every finished pass that later batches must know of, and the one
that is under way: its outcomes are staged, and putting them in place can be repeated.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from settings.load import checkpoint_root
from settings.model import Settings
from streaming.files import read_text, write_text

# How long a pass is remembered: no session and no deduplication key lives longer than a day.
_REMEMBERED = timedelta(days=3)


@dataclass(frozen=True)
class Pass:
    """One pass over records: `days` of a rebuild (first, last; both included), or dead letters.

    id: names its staged outcomes and its transactions. at: ISO time when it was put in place.
    """

    id: str
    at: str
    days: tuple[str, str] | None = None

    @property
    def time(self) -> datetime:
        return datetime.fromisoformat(self.at)

    @property
    def first_day(self) -> date | None:
        return date.fromisoformat(self.days[0]) if self.days else None

    @property
    def last_day(self) -> date | None:
        return date.fromisoformat(self.days[1]) if self.days else None


@dataclass(frozen=True)
class Journal:
    """The content of `rejudge.json`."""

    pending: Pass | None = None
    done: tuple[Pass, ...] = field(default=())

    @property
    def latest(self) -> datetime | None:
        """When rows were last put into Silver out of the stream's sight."""
        times = [one.time for one in (*self.done, *([self.pending] if self.pending else []))]
        return max(times, default=None)


def read_journal(settings: Settings) -> Journal:
    text = read_text(_uri(settings))
    if text is None:
        return Journal()
    content = json.loads(text)
    pending = content["pending"]
    return Journal(
        pending=_read_pass(pending) if pending else None,
        done=tuple(_read_pass(one) for one in content["done"]),
    )


def begin_pass(settings: Settings, one: Pass) -> None:
    """Note that the pass's outcomes are staged and may be in place in part from now on."""
    _write(settings, replace(read_journal(settings), pending=one))


def finish_pass(settings: Settings, one: Pass) -> None:
    """Note that the pass is in place in every table."""
    horizon = datetime.now(UTC) - _REMEMBERED
    done = [past for past in read_journal(settings).done if past.time > horizon]
    _write(settings, Journal(pending=None, done=(*done, one)))


def _read_pass(content: dict[str, object]) -> Pass:
    days = content["days"]
    first_last = (str(days[0]), str(days[1])) if isinstance(days, list) else None
    return Pass(id=str(content["id"]), at=str(content["at"]), days=first_last)


def _write(settings: Settings, journal: Journal) -> None:
    write_text(_uri(settings), json.dumps(asdict(journal)))


def _uri(settings: Settings) -> str:
    return f"{checkpoint_root(settings)}/rejudge.json"
