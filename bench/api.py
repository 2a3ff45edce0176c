"""The API alone over a lake, as `web-analytics serve` runs it, with nothing to cache in.

From a data folder to an HTTP client with a key; what the API says goes to a log file.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from embedded.ports import LOOPBACK, find_free_port
from embedded.process import die_with_parent

_KEY = "bench"
_START_TIMEOUT_S = 300


@contextmanager
def run_api(
    data_dir: Path, log: Path, ready: str = "/health/live", **settings: str
) -> Iterator[httpx.Client]:
    """Start it, wait until `ready` answers 200, and stop it afterwards. Raises RuntimeError.

    settings: further ones, as `SERVING__QUERY_TIMEOUT_S="300"`.
    """
    port = find_free_port()
    env = {
        "WEB_ANALYTICS_DATA_DIR": str(data_dir),
        "WEB_ANALYTICS_SERVING__PORT": str(port),
        "WEB_ANALYTICS_SERVING__HOST": LOOPBACK,
        "WEB_ANALYTICS_SERVING__API_KEYS": f'["{_KEY}"]',
        # Nothing is there: an answer kept by an earlier run would prove nothing.
        "WEB_ANALYTICS_SERVING__CACHE__REDIS_URL": f"redis://{LOOPBACK}:{find_free_port()}/0",
        "WEB_ANALYTICS_SERVING__QUERY_TIMEOUT_S": "300",
        "WEB_ANALYTICS_SERVING__LIMITS__REQUEST_TIMEOUT_S": "300",
        **{f"WEB_ANALYTICS_{name}": value for name, value in settings.items()},
    }
    command = [sys.executable, "-m", "cli.main", "serve"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **env},
            start_new_session=True,
            preexec_fn=die_with_parent(),
        )
    try:
        url, headers = f"http://{LOOPBACK}:{port}", {"X-API-Key": _KEY}
        with httpx.Client(base_url=url, headers=headers, timeout=300) as client:
            wait_until_ready(process, client, log, ready)
            yield client
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_ready(
    process: subprocess.Popen[bytes], client: httpx.Client, log: Path, path: str = "/health/ready"
) -> None:
    """Wait until the API answers 200 there. Raises RuntimeError where it ends or takes too long."""
    deadline = time.monotonic() + _START_TIMEOUT_S
    while True:
        try:
            last = f"{path} answered {(status := client.get(path).status_code)}"
            if status == 200:
                return
        except httpx.TransportError as error:
            last = repr(error)
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the API did not come up ({last}): {log}")
        time.sleep(0.3)
