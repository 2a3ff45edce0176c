"""What the bench measures and with which amounts, and what of it is done already.

`Plan` holds the amounts; `State` keeps each finished stage in `bench-data/state.json`, so that an
interrupted run goes on where it stopped. A changed plan or a new commit starts afresh.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Plan:
    """The amounts of one run; the defaults take under 15 minutes on 2 cores."""

    events: int = 300_000
    seed: int = 20_260_101
    steady_rate: int = 500
    steady_s: int = 180
    steady_warmup_s: int = 45
    marker_every_s: float = 1.0
    poll_every_s: float = 0.3
    cached_requests: int = 200
    uncached_requests: int = 40
    step_events: int = 20_000
    step_runs: int = 5
    session_gap_s: int = 60
    allowed_lateness_s: int = 30
    read_skew_s: int = 10

    @property
    def warmup_events(self) -> int:
        """Events that go before: so many that the chain is warm, as the reference is."""
        return self.events * 3 // 2


@dataclass
class State:
    """Results of the finished stages, kept in a file."""

    file: Path
    plan: Plan
    commit: str
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)

    def keep(self, stage: str, result: dict[str, Any]) -> None:
        """Record a finished stage; the file is replaced as a whole, never half-written."""
        self.stages[stage] = result
        content = {"plan": asdict(self.plan), "commit": self.commit, "stages": self.stages}
        write_json(self.file, content)


def open_state(folder: Path, plan: Plan, *, is_fresh: bool) -> State:
    """The state of an earlier run of the same plan and commit, or an empty one."""
    file = folder / "state.json"
    commit = read_commit()
    if file.exists() and not is_fresh:
        kept = json.loads(file.read_text(encoding="utf-8"))
        if kept["plan"] == asdict(plan) and kept["commit"] == commit:
            return State(file, plan, commit, kept["stages"])
    return State(file, plan, commit)


def read_commit() -> str:
    """Short id of the checked-out commit, `-dirty` when tracked files differ from it."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude=*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,  # an archive without .git is no reason not to measure
    )
    return described.stdout.strip() or "unknown"


def write_json(file: Path, content: dict[str, Any]) -> None:
    """Write JSON so that a reader sees either the old or the new file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    draft.replace(file)
