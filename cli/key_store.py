"""The file of API keys as `web-analytics keys` writes it: one change at a time, at one stroke.

From `KeyRecord`s to the file that `serving.key_file` reads; what a change makes of the records is
pure.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from datetime import datetime, timedelta

from embedded.data_dir import write_privately
from embedded.errors import StackError
from serving.key_file import UnreadableKeys, key_path, read_keys
from serving.keys import KeyList, KeyRecord, make_key
from settings.model import Settings

Records = tuple[KeyRecord, ...]


def load_keys(settings: Settings) -> Records:
    """Every key, ended ones included. Raises StackError."""
    try:
        return read_keys(key_path(settings)).keys
    except UnreadableKeys as error:
        raise StackError(f"{error}; correct it or move it away.") from error


def change_keys(settings: Settings, change: Callable[[Records], Records]) -> None:
    """Replace the keys by what `change` makes of them, alone. Raises StackError."""
    path = key_path(settings)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StackError(f"cannot write to {path.parent}: {error.strerror}.") from error
    with os.fdopen(lock):
        fcntl.flock(lock, fcntl.LOCK_EX)
        changed = change(load_keys(settings))
        write_privately(path, KeyList(keys=changed).model_dump_json(indent=2))


def end_key(known: Records, record: KeyRecord, at: datetime) -> tuple[KeyRecord, Records]:
    """The key as revoked, and all keys with it so."""
    ended = record.model_copy(update={"revoked_at": at})
    return ended, tuple(ended if other.id == record.id else other for other in known)


def replace_key(
    known: Records,
    old: KeyRecord,
    now: datetime,
    overlap: timedelta,
    expires_at: datetime | None,
) -> tuple[KeyRecord, str, Records]:
    """A new key with the rights of `old`, the key itself, and all keys with `old` ending."""
    if expires_at is None and old.expires_at is not None:
        expires_at = now + (old.expires_at - old.created_at)
    record, key = make_key(
        old.name,
        now,
        scopes=old.scopes,
        sites=old.sites,
        requests_per_minute=old.requests_per_minute,
        expires_at=expires_at,
    )
    ends_at = min(now + overlap, old.expires_at or now + overlap)
    ending = old.model_copy(update={"expires_at": ends_at})
    kept = tuple(ending if other.id == old.id else other for other in known)
    return record, key, (*kept, record)
