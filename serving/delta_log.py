"""Follows a Delta table's commits without Spark: its version, and what the writer said in it.

From `<table>/_delta_log/*.json` to `TableState`. A known version costs two file look-ups to
confirm, so an answer from the cache stays cheap.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

COMMIT_FILE = re.compile(r"^(\d{20})\.json$")
# Maintenance commits carry no user metadata: how many of them in a row are looked behind.
MAX_LOOK_BACK = 50


class LogFiles(Protocol):
    """The file operations that following a log takes; missing files raise FileNotFoundError."""

    def list_names(self, folder: str) -> Iterable[str]: ...
    def list_times(self, folder: str) -> Iterable[tuple[str, int]]:
        """Names, and when each file was last written, in milliseconds since 1970."""

    def read_lines(self, path: str) -> Iterable[str]: ...
    def fingerprint(self, path: str) -> str | None:
        """Something that changes when the file does; None where there is none."""


class LocalFiles:
    """Files of this machine, by plain path."""

    def list_names(self, folder: str) -> Iterable[str]:
        return [entry.name for entry in Path(folder).iterdir()]

    def list_times(self, folder: str) -> Iterable[tuple[str, int]]:
        with os.scandir(folder) as entries:
            return [(entry.name, entry.stat().st_mtime_ns // 1_000_000) for entry in entries]

    def read_lines(self, path: str) -> Iterable[str]:
        with open(path, encoding="utf-8") as file:
            yield from file

    def fingerprint(self, path: str) -> str | None:
        try:
            stat = Path(path).stat()
        except FileNotFoundError:
            return None
        return f"{stat.st_ino}-{stat.st_mtime_ns}"


@dataclass(frozen=True)
class TableState:
    """One version of a table.

    `commit_id` tells apart two histories with the same version numbers (a lake that was deleted or
    restored); `generation` counts how often that was seen. `said` is the latest user metadata.
    """

    version: int
    commit_id: str
    generation: int = 0
    said: dict[str, str] = field(default_factory=dict)


class TableLog:
    """The latest state of one table, remembered between looks."""

    def __init__(self, table_path: str, files: LogFiles) -> None:
        self._folder = f"{table_path}/_delta_log"
        self._files = files
        self._state: TableState | None = None
        self._fingerprint: str | None = None

    def refresh(self) -> TableState | None:
        """The table's state now; None while it does not exist. Raises OSError."""
        if self._state is None or self._has_changed(self._state.version):
            self._start_over()
        while self._state and (found := self._fingerprint_of(self._state.version + 1)):
            self._step(self._state, found)
        return self._state

    def read_state(self, version: int) -> TableState | None:
        """The table's state at a version of its present history; None where the log lacks it."""
        if self._state is None or self._fingerprint_of(version) is None:
            return None
        commit_id, _ = self._read_commit(version)
        said = self._look_back(version)
        return TableState(version, commit_id, self._state.generation, said)

    def read_actions(self, version: int) -> list[dict[str, Any]]:
        """All that a version did. Raises OSError."""
        return [json.loads(line) for line in self._files.read_lines(self._path_of(version))]

    def _start_over(self) -> None:
        generation = self._state.generation + 1 if self._state else 0
        self._state = None
        version = self._find_latest()
        if version is None or (found := self._fingerprint_of(version)) is None:
            return
        commit_id, _ = self._read_commit(version)
        self._state = TableState(version, commit_id, generation, self._look_back(version))
        self._fingerprint = found

    def _step(self, state: TableState, fingerprint: str) -> None:
        commit_id, said = self._read_commit(state.version + 1)
        self._state = replace(
            state, version=state.version + 1, commit_id=commit_id, said=said or state.said
        )
        self._fingerprint = fingerprint

    def _has_changed(self, version: int) -> bool:
        return self._fingerprint_of(version) != self._fingerprint

    def _look_back(self, version: int) -> dict[str, str]:
        for earlier in range(version, max(-1, version - MAX_LOOK_BACK), -1):
            if self._fingerprint_of(earlier) is None:
                break
            if said := self._read_commit(earlier)[1]:
                return said
        return {}

    def _find_latest(self) -> int | None:
        try:
            names = self._files.list_names(self._folder)
        except FileNotFoundError:
            return None
        return max((int(m[1]) for name in names if (m := COMMIT_FILE.match(name))), default=None)

    def _read_commit(self, version: int) -> tuple[str, dict[str, str]]:
        for line in self._files.read_lines(self._path_of(version)):
            info = json.loads(line).get("commitInfo")
            if info is not None:
                fallback = f"{info.get('timestamp')}"
                said = parse_metadata(info.get("userMetadata"))
                texts = {key: value for key, value in said.items() if isinstance(value, str)}
                return str(info.get("txnId") or fallback), texts
        return "", {}

    def _fingerprint_of(self, version: int) -> str | None:
        return self._files.fingerprint(self._path_of(version))

    def _path_of(self, version: int) -> str:
        return f"{self._folder}/{version:020d}.json"


def local_path(uri: str) -> str | None:
    """The plain path of a `file:` URI or a path; None for any other file system.

    Hadoop takes a path as it is, so nothing is percent-decoded here either.
    """
    matched = re.match(r"^(?:file:(?://)?)?(/.*)$", uri)
    return matched[1] if matched else None


def parse_metadata(text: Any) -> dict[str, Any]:
    """User metadata may be anybody's: what is not a JSON object says nothing."""
    try:
        said = json.loads(text or "{}")
    except (TypeError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}
