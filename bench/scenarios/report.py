"""The scenarios' results: kept as JSON, one file each, and shown as one Markdown table."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

from bench.plan import read_commit, write_json
from bench.report import describe_machine
from bench.scenarios.outcome import Outcome

MARKS = ("<!-- scenarios:begin -->", "<!-- scenarios:end -->")


def keep(folder: Path, name: str, options: dict[str, Any], outcome: Outcome) -> Path:
    """Write the result of a scenario; the file."""
    file = folder / f"{name}.json"
    content = {
        "scenario": name,
        "options": options,
        "commit": read_commit(),
        "measured_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        **outcome.as_json(),
    }
    write_json(file, content)
    return file


def read_kept(folder: Path, names: list[str]) -> list[dict[str, Any]]:
    """The kept results of these scenarios, in this order; those never run are left out."""
    files = [folder / f"{name}.json" for name in names]
    return [json.loads(file.read_text(encoding="utf-8")) for file in files if file.exists()]


def render(results: list[dict[str, Any]]) -> str:
    """The results as Markdown: for each scenario its targets, then its figures."""
    parts = []
    for result in results:
        options = ", ".join(f"{name} {value}" for name, value in result["options"].items())
        machine = result["machine"]
        lines = [
            f"**{result['scenario']}** ({options}; {machine['cores']} cores, {machine['cpu']}; "
            f"commit {result['commit']}, {result['measured_at'][:10]})",
            "",
            "| what | measured | at most |",
            "|---|---|---|",
            *(_render_target(target) for target in result["targets"]),
            *(f"| {what} | {value} | |" for what, value in result["figures"].items()),
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _render_target(target: dict[str, Any]) -> str:
    unit = f" {target['unit']}" if target["unit"] else ""
    verdict = "" if target["is_met"] else " (missed)"
    value, limit = (f"{target[name]:,.2f}{unit}" for name in ("value", "limit"))
    return f"| **{target['what']}** | **{value}**{verdict} | {limit} |"
