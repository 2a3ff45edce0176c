"""Asked as of a time or of versions (`as_of`, `versions`): which version of each table that means.

From `Past` and the tables' logs to their states then, or to a `Gap`: why there is none, and what is
allowed instead. docs/query.md tells the rules, docs/adr/0010 why they are so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from schemas.history import Floor
from serving.commit_times import Commits
from serving.delta_log import TableState
from serving.errors import InvalidParameter
from serving.freshness import format_time
from serving.gold_reader import GoldReader, States


@dataclass(frozen=True)
class Past:
    """A time at which to read all tables, versions of some of them, or both.

    A table in `versions` is read at that version; any other at the newest version committed at or
    before `as_of`.
    """

    as_of: datetime | None = None
    versions: Mapping[str, int] = field(default_factory=dict)


def find_moment(past: Past | None, now: datetime) -> datetime:
    """What `now` was to an answer: the time it is asked as of, if it is."""
    return past.as_of or now if past else now


@dataclass(frozen=True)
class Gap:
    """Why a table cannot be read as asked. `since`: the first time at which it can, if known."""

    parameter: str
    allowed: str
    since: datetime | None = None


@dataclass(frozen=True)
class PastView:
    """Which past was asked for, and the tables that it cannot be had of."""

    past: Past
    gaps: Mapping[str, Gap]


def read_past(reader: GoldReader, past: Past, states: States) -> tuple[States, dict[str, Gap]]:
    """The tables' states that are meant, and the tables that cannot be read so.

    states: the present ones. Raises NotReady.
    """
    floors = reader.read_floors()
    found: States = {}
    gaps: dict[str, Gap] = {}
    for name, state in states.items():
        until = None if name in past.versions else past.as_of
        commits = reader.read_commits(name, state, until)
        version = find_version(past, name, state, commits, floors.get(name))
        if isinstance(version, Gap):
            gaps[name] = version
        elif then := reader.read_state(name, version):
            found[name] = then
        else:  # cleaned up since the log was listed
            parameter = "versions" if name in past.versions else "as_of"
            gaps[name] = Gap(parameter, f"newer versions: {_explain(name, version, None)}")
    return found, gaps


def find_version(
    past: Past, name: str, state: TableState, commits: Commits, floor: Floor | None
) -> int | Gap:
    """The version of a table that is meant. state: its present one."""
    first = state.version if commits.first is None else commits.first
    is_floor = floor is not None and floor.version > first
    first = min(max(first, floor.version if floor else 0), state.version)
    if name in past.versions:
        wanted = past.versions[name]
        if first <= wanted <= state.version:
            return wanted
        return Gap("versions", f"{name}:{first} to {name}:{state.version}")
    if past.as_of is None:
        return Gap("versions", f"a version of {name} too, which this answer reads (or `as_of`)")
    found = commits.find(past.as_of)
    if found is not None and found >= first:
        return min(found, state.version)
    since = commits.time_of(first) if commits.start <= first <= commits.last else None
    from_then = f"a time from {format_time(since)} on" if since else "a later time"
    return Gap("as_of", f"{from_then}: {_explain(name, first, floor if is_floor else None)}", since)


def require_past(past: Past, now: datetime) -> None:
    """Nothing is known of the future. Raises InvalidParameter."""
    if past.as_of is not None and past.as_of > now:
        raise refuse("as_of", format_time(past.as_of), f"a time up to now ({format_time(now)})")


def require_readable(
    past: Past, tables: Iterable[str], gaps: Mapping[str, Gap], states: Mapping[str, TableState]
) -> None:
    """Every table the answer reads can be read, and each one named is one it reads.

    Raises InvalidParameter.
    """
    tables = tuple(tables)
    if found := [gaps[name] for name in tables if name in gaps]:
        # The one that asks for the latest time: which then is right for all.
        worst = max(found, key=lambda gap: gap.since.timestamp() if gap.since else 0)
        raise refuse(worst.parameter, _show(past, worst.parameter), worst.allowed)
    if missing := [name for name in tables if name not in states]:
        given = _show(past, "as_of" if past.as_of else "versions")
        raise refuse("as_of", given, f"a time at which there is {', '.join(missing)}")
    if unread := sorted(past.versions.keys() - set(tables)):
        allowed = f"what this answer reads: {', '.join(tables)}"
        raise refuse("versions", ", ".join(f"{n}:{past.versions[n]}" for n in unread), allowed)


def refuse(parameter: str, given: str, allowed: str) -> InvalidParameter:
    detail: dict[str, Any] = {"parameter": parameter, "given": given, "allowed": allowed}
    return InvalidParameter(f"{parameter}: given {given!r}, allowed: {allowed}", [detail])


def refuse_gone(past: Past) -> InvalidParameter:
    """The log has the version, and files of it are no longer there."""
    parameter = "as_of" if past.as_of else "versions"
    return refuse(
        parameter,
        _show(past, parameter),
        "what maintenance has kept: files of the version that was asked for are deleted",
    )


def _explain(name: str, first: int, floor: Floor | None) -> str:
    if floor is not None and floor.reason == "erased":
        return f"{name} has had data erased, and what was before is gone for good"
    if floor is not None or first > 0:
        return f"older versions of {name} have been cleaned up"
    return f"{name} is no older"


def _show(past: Past, parameter: str) -> str:
    if parameter == "as_of":
        return format_time(past.as_of) if past.as_of else ""
    return ",".join(f"{name}:{version}" for name, version in past.versions.items())
