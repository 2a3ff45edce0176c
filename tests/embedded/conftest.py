"""A supervisor of small Python scripts, and the means to wait for what it does."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from embedded.child import Child
from embedded.supervisor import RestartLimits, Supervisor

DEADLINE_S = 60


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until it holds; fails after a deadline that only a broken test reaches."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process is there and not merely waiting to be buried."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


@dataclass
class FakeStack:
    """Children that are scripts; every line said and every publication is kept."""

    folder: Path
    lines: list[str] = field(default_factory=list)
    published: list[Mapping[str, int] | None] = field(default_factory=list)
    on_publish: Callable[[Mapping[str, int] | None], None] | None = None

    def script(self, name: str, body: str, **options: object) -> Child:
        """A child that runs `body`; `touch()` in it says that it is ready."""
        file, ready = self.folder / f"{name}.py", self.folder / f"{name}.ready"
        file.write_text(
            "import os, signal, sys, time\n"
            "from pathlib import Path\n"
            f"folder = Path({str(self.folder)!r})\n"
            f"def touch(): Path({str(ready)!r}).touch()\n"
            f"def note(text): open(folder / 'notes', 'a').write(text + '\\n')\n"
            "def rest():\n    while True: time.sleep(3600)\n" + body
        )
        return Child(name, (sys.executable, str(file)), ready.exists, ready_file=ready, **options)  # type: ignore[arg-type]  # whatever a test passes on

    def run(self, *children: Child) -> int:
        """Run them to the end; the exit code."""

        def publish(pids: Mapping[str, int] | None) -> None:
            self.published.append(pids)
            if self.on_publish:
                self.on_publish(pids)

        limits = RestartLimits(in_a_row=2, per_hour=4, first_backoff_s=0.01, longest_backoff_s=0.02)
        logs = self.folder / "logs"
        return Supervisor(children, logs, self.lines.append, publish, limits).run()

    def notes(self) -> list[str]:
        """What the scripts noted, in order."""
        file = self.folder / "notes"
        return file.read_text().split("\n")[:-1] if file.exists() else []

    @property
    def said(self) -> str:
        return "\n".join(self.lines)


@pytest.fixture
def stack(tmp_path: Path) -> FakeStack:
    return FakeStack(tmp_path)


def stop_self() -> None:
    """What Ctrl-C does to the supervisor in this process."""
    os.kill(os.getpid(), 2)
