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

_START_TIMEOUT_S = 600  # the first start downloads
_STOP_TIMEOUT_S = 60
_COMMAND = str(Path(sys.executable).parent / "web-analytics")


@dataclass(frozen=True)
class Stack:
    """A running `up` and its `run.json`."""

    process: subprocess.Popen[bytes]
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
        )
    try:
        wait_for(run_file.exists, _START_TIMEOUT_S, "`up` to be ready", process, log)
        run = json.loads(run_file.read_text(encoding="utf-8"))
        yield Stack(process, data_dir, log, run)
    finally:
        _stop(process)


def read_status(stack: Stack) -> dict[str, Any]:
    """What `web-analytics status --json` says."""
    answer = subprocess.run(
        [_COMMAND, "status", "--json", "--data-dir", str(stack.data_dir)],
        capture_output=True,
        text=True,
        check=False,  # it exits with 1 where a check fails; the content says which
    )
    try:
        content: dict[str, Any] = json.loads(answer.stdout)
    except json.JSONDecodeError as error:
        raise RuntimeError(f"status gave no JSON: {answer.stderr or answer.stdout}") from error
    return content


def wait_for(
    is_met: Callable[[], bool],
    limit_s: float,
    what: str,
    process: subprocess.Popen[bytes],
    log: Path,
    every_s: float = 0.2,
) -> None:
    """Wait for a condition as long as the stack lives."""
    deadline = time.monotonic() + limit_s
    while not is_met():
        if process.poll() is not None:
            raise RuntimeError(
                f"`up` ended with {process.returncode} while waiting for {what}: {log}"
            )
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {limit_s:.0f} s in vain for {what}: see {log}")
        time.sleep(every_s)


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
