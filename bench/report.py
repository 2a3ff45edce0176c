"""The results as one JSON file and as a Markdown table: ratios first, then absolute figures."""

from __future__ import annotations

import datetime as dt
import os
import platform
from pathlib import Path
from typing import Any

from bench.plan import State, write_json

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"


def write_results(file: Path, state: State) -> dict[str, Any]:
    """Collect the stages, the machine and the commit into `results.json`."""
    results = {
        "commit": state.commit,
        "measured_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "ratio_to_reference": round(
            state.stages["chain"]["events_per_s"] / state.stages["reference"]["events_per_s"], 3
        ),
        **state.stages,
    }
    write_json(file, results)
    return results


def render_table(results: dict[str, Any]) -> str:
    """The results as Markdown."""
    machine, chain, fresh = results["machine"], results["chain"], results["freshness"]
    visible = fresh["visible_after_s"]
    rows = [
        ("**whole chain / parse only**", f"**{results['ratio_to_reference']:.2f}**"),
        *(
            (f"**enrichment / parsing**, {mode}", f"**{ratio:.2f}**")
            for mode, ratio in results["steps"]["enrichment_to_parsing"].items()
        ),
        ("whole chain, Kafka to Gold", f"{chain['events_per_s']:,} events/s"),
        ("parse only: Kafka to nothing", f"{results['reference']['events_per_s']:,} events/s"),
        *(
            (f"flow `{name}` while working", f"{rate:,} events/s")
            for name, rate in chain["flows_events_per_s"].items()
        ),
        (
            f"sent to visible over HTTP, at {fresh['rate_per_s']:,.0f} events/s",
            f"p50 {visible['p50']:.1f} s, p95 {visible['p95']:.1f} s",
        ),
    ]
    for path, latency in results["latency"].items():
        for kind in ("uncached", "cached"):
            figures = latency[f"{kind}_ms"]
            value = f"p50 {figures['p50']:.0f} ms, p95 {figures['p95']:.0f} ms"
            rows.append((f"`GET {path}`, {kind}", value))
    lines = ["| what | measured |", "|---|---|", *(f"| {what} | {value} |" for what, value in rows)]
    return "\n".join((*lines, "", *_render_steps(results["steps"]))) + (
        f"\n\n{chain['events']:,} events of {results['generate']['mean_bytes']} bytes, "
        f"{machine['cores']} cores ({machine['cpu']}), commit {results['commit']}, "
        f"{results['measured_at'][:10]}. Generator, broker, API and bench run on the same cores.\n"
    )


def _render_steps(steps: dict[str, Any]) -> list[str]:
    """The cost of each step, and its ratio to that of parsing: small batches, then large ones."""
    costs: dict[str, dict[str, float]] = steps["core_us_per_event"]
    modes = [f"{mode}, core-us/event | / parse" for mode in costs]
    rows = [
        " | ".join(
            f"{by_step[name]:.1f} | {by_step[name] / by_step['parse']:.2f}"
            for by_step in costs.values()
        )
        for name in costs["compiled"]
    ]
    return [
        f"| step ({steps['events']:,} events) | {' | '.join(modes)} |",
        "|---" * (1 + 2 * len(modes)) + "|",
        *(f"| {name} | {row} |" for name, row in zip(costs["compiled"], rows, strict=True)),
    ]


def write_into(page: Path, table: str, marks: tuple[str, str] = (BEGIN, END)) -> None:
    """Put the table between the page's two marks."""
    text = page.read_text(encoding="utf-8")
    first, last = marks
    before, begin, rest = text.partition(first)
    _, end, after = rest.partition(last)
    if not (begin and end):
        raise ValueError(f"{page} has no {first} ... {last}: put both where the table belongs")
    page.write_text(f"{before}{first}\n{table}{last}{after}", encoding="utf-8")


def describe_machine() -> dict[str, Any]:
    """Cores, processor and system."""
    return {
        "cores": os.cpu_count(),
        "cpu": _read_cpu_name(),
        "system": platform.platform(),
    }


def _read_cpu_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
