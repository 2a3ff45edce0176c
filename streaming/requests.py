"""Requests to the app that runs: a command is carried out by the one process that may write.

A command line puts `<checkpoints>/requests/<id>.json`; the app takes it, says what it does in
`<id>.progress.json`, and leaves `<id>.result.json`. Works wherever the checkpoints are.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import structlog

from settings.load import checkpoint_root
from settings.model import Settings
from streaming.files import delete_file, list_names, read_text, write_text
from streaming.runtime import Runtime

log = structlog.get_logger(__name__)

Say = Callable[[str], None]
Handler = Callable[[Runtime, Mapping[str, Any], Say], dict[str, Any]]
_POLL_S = 0.5


class RequestFailed(Exception):
    """The app could not do what was asked; the message says why."""


@dataclass(frozen=True)
class Request:
    """One command with its arguments."""

    id: str
    command: str
    arguments: dict[str, Any]


def send_request(settings: Settings, command: str, arguments: dict[str, Any]) -> Request:
    """Ask the running app to carry out a command."""
    request = Request(uuid.uuid4().hex, command, arguments)
    write_text(_uri(settings, request.id, ""), json.dumps(asdict(request)))
    return request


def follow_request(
    settings: Settings, request: Request, is_running: Callable[[], bool]
) -> Iterator[str | dict[str, Any]]:
    """Yield what the app says it does, and at last its answer. Raises RequestFailed."""
    said = None
    while True:
        answer = read_text(_uri(settings, request.id, ".result"))
        if answer is not None:
            _forget(settings, request.id)
            result = json.loads(answer)
            if "error" in result:
                raise RequestFailed(result["error"])
            yield result["answer"]
            return
        saying = read_text(_uri(settings, request.id, ".progress"))
        if saying != said and saying is not None:
            said = saying
            yield str(json.loads(saying))
        if not is_running():
            _forget(settings, request.id)
            raise RequestFailed(
                "the app ended before it had answered. What it had begun to put in place is "
                "finished when it starts again; ask again then."
            )
        time.sleep(_POLL_S)


class Desk:
    """Takes requests inside the app, one at a time, each in a thread of its own."""

    def __init__(self, runtime: Runtime, handlers: Mapping[str, Handler]) -> None:
        self._runtime = runtime
        self._handlers = handlers
        self._thread: threading.Thread | None = None
        # Whoever asked an earlier instance was told that it ended.
        for name in list_names(_folder(runtime.settings)):
            delete_file(f"{_folder(runtime.settings)}/{name}")

    def take_next(self) -> None:
        """Begin with the next request, if there is one and none is under way."""
        if self._thread is not None and self._thread.is_alive():
            return
        request = _next_request(self._runtime.settings)
        if request is not None:
            self._thread = threading.Thread(target=self._serve, args=(request,), daemon=True)
            self._thread.start()

    def _serve(self, request: Request) -> None:
        settings = self._runtime.settings
        request_log = log.bind(command=request.command, request=request.id)
        request_log.info("request taken", **request.arguments)

        def say(text: str) -> None:
            request_log.info(text)
            write_text(_uri(settings, request.id, ".progress"), json.dumps(text))

        result: dict[str, Any]
        try:
            handler = self._handlers.get(request.command)
            if handler is None:
                raise RequestFailed(f"the running app knows no command {request.command!r}")
            result = {"answer": handler(self._runtime, request.arguments, say)}
        except Exception as error:
            request_log.exception("request failed")
            result = {"error": str(error) or type(error).__name__}
        write_text(_uri(settings, request.id, ".result"), json.dumps(result))
        delete_file(_uri(settings, request.id, ""))
        request_log.info("request answered")


def _next_request(settings: Settings) -> Request | None:
    for name in list_names(_folder(settings)):
        if name.count(".") == 1 and not name.startswith("."):
            text = read_text(f"{_folder(settings)}/{name}")
            identifier = name.removesuffix(".json")
            if text and read_text(_uri(settings, identifier, ".result")) is None:
                return Request(**json.loads(text))
    return None


def _forget(settings: Settings, identifier: str) -> None:
    for part in ("", ".progress", ".result"):
        delete_file(_uri(settings, identifier, part))


def _uri(settings: Settings, identifier: str, part: str) -> str:
    return f"{_folder(settings)}/{identifier}{part}.json"


def _folder(settings: Settings) -> str:
    return f"{checkpoint_root(settings)}/requests"
