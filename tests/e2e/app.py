"""The product as its users start it: commands in processes of their own, over one data folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from embedded.kafka import create_topics
from embedded.ports import LOOPBACK, find_free_port
from embedded.process import die_with_parent
from settings.load import load_settings
from settings.model import Settings
from streaming.progress import count_behind, interrupted_flows, is_closing_due

_TIMEOUT_S = 300


@dataclass
class App:
    """A lake, a topic, and the commands run on them; `env` holds further settings."""

    folder: Path
    bootstrap: str
    topic: str
    env: dict[str, str] = field(default_factory=dict)
    api: str = ""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        create_topics(self.settings.kafka)

    @property
    def settings(self) -> Settings:
        known = {name: os.environ.get(name) for name in self._settings_env()}
        os.environ.update(self._settings_env())
        try:
            return load_settings()
        finally:
            for name, value in known.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})

    @property
    def log(self) -> Path:
        return self.folder / "stream.log"

    def start(self) -> subprocess.Popen[bytes]:
        """Start the streaming app; returns once all flows run."""
        ready = self.folder / "ready"
        ready.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            process = self._spawn(log, "stream", WEB_ANALYTICS_READY_FILE=str(ready))

        def is_up() -> bool:
            assert process.poll() is None, self.read_log()
            return ready.exists()

        wait_until(is_up, "the flows are not up")
        return process

    def drain(self) -> None:
        """Work through all that is there, and exit."""
        with self.log.open("ab") as log:
            process = self._spawn(log, "stream", "--available-now")
        assert process.wait(_TIMEOUT_S) == 0, self.read_log()

    def run(self, *arguments: str) -> dict[str, Any]:
        """Run a command that reports JSON."""
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", *arguments],
            env=self._full_env(),
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_S,
        )
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    def send(self, file: Path, file_format: str = "ndjson") -> dict[str, Any]:
        return self.run(
            *("send", str(file), "--format", file_format, "--json"),
            *("--bootstrap", self.bootstrap, "--topic", self.topic),
        )

    def wait_until_caught_up(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until every flow has read all that the one before it wrote."""

        def is_caught_up() -> bool:
            assert process.poll() is None, self.read_log()
            settings = self.settings
            is_behind = any(count_behind(settings).values())
            return not (is_behind or interrupted_flows(settings) or is_closing_due(settings))

        wait_until(is_caught_up, "the app does not catch up")

    @contextmanager
    def serve(self) -> Iterator[Callable[..., Any]]:
        """Run the API; yields `get(path, **parameters)`, which returns the decoded answer.

        Its address is in `api` meanwhile.
        """
        port = find_free_port()
        self.api = f"http://{LOOPBACK}:{port}"
        extra = {
            "WEB_ANALYTICS_SERVING__PORT": str(port),
            "WEB_ANALYTICS_SERVING__ALLOW_ANONYMOUS": "true",
        }
        with (self.folder / "serve.log").open("ab") as log:
            process = self._spawn(log, "serve", **extra)

        def get(path: str, **parameters: object) -> Any:
            url = f"{self.api}{path}?{urlencode(parameters)}"
            with urllib.request.urlopen(url, timeout=60) as answer:
                return json.load(answer)

        def is_ready() -> bool:
            assert process.poll() is None, (self.folder / "serve.log").read_text()
            try:
                get("/health/ready")
            except OSError:
                return False
            return True

        try:
            wait_until(is_ready, "the API is not ready")
            yield get
        finally:
            process.terminate()
            process.wait(30)

    def read_log(self) -> str:
        return self.log.read_text(errors="replace")[-6000:]

    def _spawn(self, log: Any, *arguments: str, **extra: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "cli.main", *arguments],
            env=self._full_env() | extra,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent(),
            start_new_session=True,
        )

    def _full_env(self) -> dict[str, str]:
        return dict(os.environ) | self._settings_env()

    def _settings_env(self) -> dict[str, str]:
        return {
            "WEB_ANALYTICS_DATA_DIR": str(self.folder / "data"),
            "WEB_ANALYTICS_KAFKA__BOOTSTRAP_SERVERS": self.bootstrap,
            "WEB_ANALYTICS_KAFKA__TOPIC": self.topic,
            "WEB_ANALYTICS_KAFKA__DEAD_LETTER_TOPIC": f"{self.topic}_dlq",
            **self.env,
        }


def wait_until(is_met: Callable[[], bool], complaint: str, timeout_s: float = _TIMEOUT_S) -> None:
    """Wait for a condition; the time is only a bound for a broken run."""
    deadline = time.monotonic() + timeout_s
    while not is_met():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.25)
