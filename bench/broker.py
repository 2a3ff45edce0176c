"""A broker of its own for the reference, with one topic for each part of the event set."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedded.kafka import create_topics, has_broker, prepare_broker
from embedded.ports import LOOPBACK, find_free_port
from embedded.process import die_with_parent
from settings.model import KafkaSettings

_START_TIMEOUT_S = 60
_STOP_TIMEOUT_S = 20


@contextmanager
def run_broker(folder: Path, topics: tuple[str, ...]) -> Iterator[str]:
    """Run an empty broker with these topics; yields its address and removes its data at the end."""
    shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed
    port = find_free_port()
    kafka = KafkaSettings(bootstrap_servers=f"{LOOPBACK}:{port}")
    command = prepare_broker(folder, port, kafka)
    with (folder / "broker.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, preexec_fn=die_with_parent()
        )
    try:
        _wait_until_up(process, kafka.bootstrap_servers, folder / "broker.log")
        for topic in topics:
            create_topics(kafka.model_copy(update={"topic": topic}))
        yield kafka.bootstrap_servers
    finally:
        process.terminate()
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(folder)


def _wait_until_up(process: subprocess.Popen[bytes], bootstrap_servers: str, log: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while not has_broker(bootstrap_servers):
        if process.poll() is not None or time.monotonic() > deadline:
            end = log.read_text(encoding="utf-8", errors="replace")[-1000:]
            raise RuntimeError(f"the broker at {bootstrap_servers} did not come up: {end}")
        time.sleep(0.2)
