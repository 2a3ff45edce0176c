"""The product under test: `web-analytics up` as a process of its own, and what it says of itself.

Started on free ports with a data folder inside `bench-data/`; `run.json` says where everything is.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.plan import Plan
from embedded.ports import find_free_port
from embedded.process import die_with_parent

_START_TIMEOUT_S = 600  # the first start downloads
_STOP_TIMEOUT_S = 60
_COMMAND = str(Path(sys.executable).parent / "web-analytics")


@dataclass(frozen=True)
class Stack:
    """A running `up` and its `run.json`."""

    data_dir: Path
    log: Path
    run: dict[str, Any]

    def http(self) -> httpx.Client:
        """A client of its API, with the key."""
        return httpx.Client(
            base_url=self.run["api"], headers={"X-API-Key": self.run["api_key"]}, timeout=60
        )


@contextmanager
def run_stack(folder: Path, plan: Plan) -> Iterator[Stack]:
    """Start everything without sample traffic; stop it at the end, whatever happened."""
    data_dir, log = folder / "stack", folder / "up.log"
    data_dir.mkdir(parents=True, exist_ok=True)
    command = [_COMMAND, "up", "--no-sample", "--data-dir", str(data_dir)]
    for option in ("--api-port", "--kafka-port", "--redis-port"):
        command += [option, str(find_free_port())]
    run_file = data_dir / "run.json"
    run_file.unlink(missing_ok=True)  # one left by a run that was killed
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **_settings(plan)},
            start_new_session=True,  # Ctrl-C reaches the bench alone, which then stops the stack
            preexec_fn=die_with_parent(),
        )
    try:
        _wait_until_ready(process, run_file, log)
        run = json.loads(run_file.read_text(encoding="utf-8"))
        yield Stack(data_dir, log, run)
    finally:
        _stop(process)


def wait_for(
    is_met: Callable[[], bool], limit_s: float, what: str, stack: Stack, every_s: float = 1
) -> None:
    """Wait for a condition as long as the whole stack is up; a restart would spoil the figures."""
    deadline = time.monotonic() + limit_s
    while not is_met():
        if not (stack.data_dir / "run.json").exists():
            raise RuntimeError(
                f"a process of the stack ended while waiting for {what}: {stack.log}"
            )
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {limit_s:.0f} s in vain for {what}: see {stack.log}")
        time.sleep(every_s)


def read_status(stack: Stack) -> dict[str, Any]:
    """What `web-analytics status --json` says."""
    answer = subprocess.run(
        [_COMMAND, "status", "--json", "--data-dir", str(stack.data_dir)],
        capture_output=True,
        text=True,
        check=False,  # what it has to say is in its output
    )
    try:
        content: dict[str, Any] = json.loads(answer.stdout)
    except json.JSONDecodeError as error:
        raise RuntimeError(f"status gave no JSON: {answer.stderr or answer.stdout}") from error
    return content


def _wait_until_ready(process: subprocess.Popen[bytes], run_file: Path, log: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while not run_file.exists():
        if process.poll() is not None:
            raise RuntimeError(f"`up` ended with {process.returncode} before it was ready: {log}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"`up` was not ready after {_START_TIMEOUT_S} s: see {log}")
        time.sleep(0.2)


def _settings(plan: Plan) -> dict[str, str]:
    # Short sessions, so that closing them is part of what is measured.
    return {
        "WEB_ANALYTICS_SESSION__GAP_S": str(plan.session_gap_s),
        "WEB_ANALYTICS_SESSION__ALLOWED_LATENESS_S": str(plan.allowed_lateness_s),
        "WEB_ANALYTICS_SESSION__READ_SKEW_S": str(plan.read_skew_s),
    }


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
