"""What a scenario found: figures for the table, targets with their limits, and everything else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.numbers import percentile


@dataclass(frozen=True)
class Target:
    """A number that must not exceed its limit."""

    what: str
    value: float
    limit: float
    unit: str

    @property
    def is_met(self) -> bool:
        return self.value <= self.limit


@dataclass
class Outcome:
    """figures: what -> how it reads; targets; details: whatever a reader of the JSON may want."""

    figures: dict[str, str] = field(default_factory=dict)
    targets: list[Target] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)

    def missed(self) -> list[Target]:
        """The targets that are not met."""
        return [target for target in self.targets if not target.is_met]

    def as_json(self) -> dict[str, Any]:
        targets = [asdict(target) | {"is_met": target.is_met} for target in self.targets]
        return {"figures": self.figures, "targets": targets, "details": self.details}


def show_waits(waits: Sequence[float]) -> str:
    """Seconds as p50, p95 and the largest; says so where there are none."""
    if not waits:
        return "no markers"
    return (
        f"p50 {percentile(waits, 0.5):.1f} s, p95 {percentile(waits, 0.95):.1f} s, "
        f"max {max(waits):.1f} s ({len(waits)} markers)"
    )


def find_p95(waits: Sequence[float], what: str) -> float:
    """The 95th percentile of the waits. Raises RuntimeError where no marker was sent."""
    if not waits:
        raise RuntimeError(f"no marker was sent {what}: let it take more seconds")
    return percentile(waits, 0.95)


def split_evenly(
    marks: Sequence[tuple[float, float]], start: float, end: float, parts: int
) -> list[list[float]]:
    """The waits of the markers sent from start to end, by which equal part they were sent in.

    marks: (sent at, wait in seconds).
    """
    found: list[list[float]] = [[] for _ in range(parts)]
    for sent_at, wait_s in marks:
        if start <= sent_at < end:
            found[int((sent_at - start) / (end - start) * parts)].append(wait_s)
    return found
