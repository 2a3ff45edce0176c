"""Runs the SQL of users in a process of its own: started when asked for, killed at the time limit.

From the event loop to `serving.sql.worker` and back. Spark cannot interrupt a task that is busy in
one expression or one join, so only the end of a process is a sure end (docs/adr/0009).
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import structlog

from serving.errors import Busy, NotReady, QueryTimeout, SqlInvalid, SqlRefused, SqlTooHeavy
from serving.sql.request import SqlRequest
from settings.load import ENV_PREFIX, lake_root
from settings.model import ServingSettings, Settings
from settings.sql import SqlSettings

log = structlog.get_logger()

_ROOT = Path(__file__).resolve().parents[2]
# Of the environment of the API, what a process that runs the SQL of others may know of the product.
_KEPT_VARIABLES = {"WEB_ANALYTICS_CACHE_DIR"}


@dataclass
class _Process:
    """One process, its channel and its folder for temporary files."""

    child: subprocess.Popen[bytes]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    folder: str

    async def ask(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """Its answer; None if it ended instead."""
        try:
            self.writer.write(json.dumps(message).encode() + b"\n")
            await self.writer.drain()
            return await self.receive()
        except ConnectionError:
            return None

    async def receive(self) -> dict[str, Any] | None:
        line = await self.reader.readline()
        return await asyncio.to_thread(json.loads, line) if line.endswith(b"\n") else None

    def kill(self) -> None:
        """End it and its JVM, whatever they do."""
        with suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()
        self.writer.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class SqlPool:
    """At most one process and one statement at a time; a few may wait."""

    def __init__(self, settings: Settings) -> None:
        self._settings = _share_conf(settings.serving)
        self.timeout_s = settings.serving.sql.timeout_s
        self._lake = lake_root(settings)
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._process: _Process | None = None
        self._used_at = time.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def pid(self) -> int | None:
        """The process that runs now."""
        return self._process.child.pid if self._process else None

    async def run(self, request: SqlRequest) -> dict[str, Any]:
        """columns, rows, truncated, tables, elapsed_ms.

        Raises SqlRefused, SqlInvalid, SqlTooHeavy, Busy, QueryTimeout, NotReady.
        """
        if self._waiting > self._settings.max_queued:
            raise Busy("As many statements are running and waiting as may; try again.")
        self._waiting += 1
        try:
            async with self._turn:
                return await self._run_now(request)
        finally:
            self._waiting -= 1

    def prepare(self) -> None:
        """Start the process in the background: somebody is about to ask."""
        self._spawn(self._prepare())

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._end()

    async def _run_now(self, request: SqlRequest) -> dict[str, Any]:
        process = await self._start()
        is_done = False
        try:
            async with asyncio.timeout(self.timeout_s):
                found = await process.ask(asdict(request))
            is_done = found is not None
        except TimeoutError:
            raise QueryTimeout(
                f"The statement took longer than {self.timeout_s:g} s "
                "(serving.sql.timeout_s); read fewer days, or Gold instead of Silver."
            ) from None
        finally:
            self._used_at = time.monotonic()
            if not is_done:  # it is too slow, it is dead, or nobody waits for it any more
                self._end()
                self.prepare()
        return read_answer(found)

    async def _prepare(self) -> None:
        with suppress(NotReady):
            async with self._turn:
                await self._start()

    async def _start(self) -> _Process:
        """The process, ready. Raises NotReady."""
        if self._process is None:
            started = time.monotonic()
            process = self._process = await _launch(self._settings)
            try:
                async with asyncio.timeout(self._settings.start_timeout_s):
                    config = {"lake": self._lake, "sql": self._settings.model_dump(mode="json")}
                    is_ready = await process.ask(config) is not None
            except TimeoutError:
                is_ready = False
            except BaseException:
                self._end()
                raise
            if not is_ready:
                self._end()
                raise NotReady("the process for SQL does not start; the log has the reason.")
            self._used_at = time.monotonic()
            log.info("sql_process_started", seconds=round(self._used_at - started, 1))
            self._spawn(self._end_when_idle())
        return self._process

    async def _end_when_idle(self) -> None:
        process = self._process
        while process is self._process and process is not None:
            left_s = self._used_at + self._settings.idle_stop_s - time.monotonic()
            if left_s <= 0 and not self._turn.locked():
                self._end()
                return
            await asyncio.sleep(max(left_s, 1))

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process = None
            self._used_at = time.monotonic()

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _share_conf(serving: ServingSettings) -> SqlSettings:
    """What Spark needs to reach the lake, the process for SQL needs too."""
    sql = serving.sql
    spark = sql.spark.model_copy(update={"conf": {**serving.spark.conf, **sql.spark.conf}})
    return sql.model_copy(update={"spark": spark})


async def _launch(settings: SqlSettings) -> _Process:
    ours, theirs = socket.socketpair()
    folder = tempfile.mkdtemp(prefix="web-analytics-sql-")
    child = subprocess.Popen(
        [sys.executable, "-m", "serving.sql.worker", str(theirs.fileno())],
        pass_fds=(theirs.fileno(),),
        stdin=subprocess.DEVNULL,
        cwd=_ROOT,
        env=make_environment(folder),
        start_new_session=True,
    )
    theirs.close()
    # One line holds a whole answer, escaped.
    reader, writer = await asyncio.open_connection(
        sock=ours, limit=8 * settings.max_answer_bytes + 1024**2
    )
    return _Process(child, reader, writer, folder)


def make_environment(folder: str) -> dict[str, str]:
    """The environment without our settings, which hold keys."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith(ENV_PREFIX) or name in _KEPT_VARIABLES
    }
    return {**kept, "TMPDIR": folder, "TZ": "UTC"}


def read_answer(found: dict[str, Any] | None) -> dict[str, Any]:
    """What the process has answered. Raises SqlRefused, SqlInvalid, SqlTooHeavy."""
    if found is None:
        raise SqlTooHeavy(
            "The statement ended its process: it needs more memory than there is "
            "(serving.sql.spark.driver_memory). Aggregate earlier, or read fewer days."
        )
    if refused := found.get("refused"):
        raise SqlRefused(refused["message"], [refused["details"]])
    if failed := found.get("failed"):
        raise SqlInvalid(failed["message"], [failed["details"]] if failed["details"] else [])
    answer: dict[str, Any] = found["answer"]
    return answer
