"""The file of API keys, `<data_dir>/keys.json`, as the API reads it: again whenever it changed.

From the file to `KeyRecord`s by id. `web-analytics keys` writes it (`cli/keys.py`), the API never.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

import structlog
from pydantic import ValidationError

from serving.keys import KeyList, KeyRecord
from settings.model import Settings

log = structlog.get_logger()

Stamp = tuple[int, int, int] | None


class UnreadableKeys(Exception):
    """The file is there and is not what we write; the message names it and the reason."""


def key_path(settings: Settings) -> Path:
    """Where the keys are kept."""
    if settings.serving.keys_file is not None:
        return Path(settings.serving.keys_file).expanduser()
    return Path(settings.data_dir).expanduser() / "keys.json"


def read_keys(path: Path) -> KeyList:
    """The keys; none if there is no file. Raises UnreadableKeys."""
    try:
        return KeyList.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return KeyList()
    except OSError as error:
        raise UnreadableKeys(f"cannot read {path}: {error.strerror}") from error
    except ValidationError as error:
        # Its own text quotes the content.
        where = ".".join(str(part) for part in error.errors()[0]["loc"]) or "the whole"
        raise UnreadableKeys(f"{path} is not a file of API keys (at: {where})") from None


class KeyFile:
    """The keys in force. Each look costs a `stat`, so a revoked key is refused at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._stamp: Stamp = (-1, -1, -1)
        self._keys: dict[str, KeyRecord] = {}
        self._problem: UnreadableKeys | None = None

    def current(self) -> Mapping[str, KeyRecord]:
        """The keys by id, revoked and expired ones included. Raises UnreadableKeys.

        A file that became unreadable opens nothing: going on with the keys it had before could
        let in one that was just revoked.
        """
        with self._lock:
            if (stamp := self._look()) != self._stamp:
                self._stamp = stamp
                self._load()
            if self._problem:
                raise self._problem
            return self._keys

    def _load(self) -> None:
        try:
            found = {record.id: record for record in read_keys(self._path).keys}
        except UnreadableKeys as error:
            log.error("keys_unreadable", error=str(error))
            self._keys, self._problem = {}, error
            return
        _log_changes(self._keys, found)
        self._keys, self._problem = found, None

    def _look(self) -> Stamp:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size


def _log_changes(before: Mapping[str, KeyRecord], after: Mapping[str, KeyRecord]) -> None:
    """The audit of key changes, as far as they concern this API."""
    for id_ in sorted(before.keys() | after.keys()):
        old, new = before.get(id_), after.get(id_)
        if old == new:
            continue
        if new is None:
            log.info("key_removed", key=id_, name=old.name if old else None)
        elif new.revoked_at:
            log.info("key_revoked", key=id_, name=new.name, revoked_at=str(new.revoked_at))
        else:
            log.info(
                "key_changed" if old else "key_known",
                key=id_,
                name=new.name,
                scopes=new.scopes,
                sites=new.sites,
                requests_per_minute=new.requests_per_minute,
                expires_at=str(new.expires_at) if new.expires_at else None,
            )
