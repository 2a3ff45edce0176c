"""Where the stream's processor time goes: samples of Java's Flight Recorder by what they are for.

`python -m bench.profile`: from the running product, under a backlog and at a steady rate, to two
tables of shares and the core time per event (docs/performance.md). Needs a JDK's `jcmd` and `jfr`
on PATH; the embedded JRE has neither.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer

from bench.cores import read_core_s
from bench.flows import count_done, read_settings
from bench.generate import read_events, write_event_set
from bench.plan import ROOT, Plan
from bench.scenarios.memory import list_family
from bench.send import make_producer, send_all, send_steadily
from bench.stack import Stack, run_stack, wait_for

_LIMIT_S = 900
# What a sample is for: the first line whose pattern occurs in a frame, from the innermost frame
# outwards. So `parquet` within a Delta commit is Parquet's, and a regular expression is the rows'.
CATEGORIES = {
    "generating and compiling code": r"codehaus\.(janino|commons\.compiler)|expressions\.codegen\.",
    "serialising tasks and closures": r"java\.io\.Object(Out|In)putStream|SerializationDebugger"
    r"|util\.ClosureCleaner|TaskDescription|xbean\.asm",
    "Parquet": r"org\.apache\.parquet|datasources\.parquet|com\.github\.luben\.zstd|xerial\.snappy",
    "state of deduplication and sessions": r"rocksdb|streaming\.state\.|StateStore",
    "Kafka": r"org\.apache\.kafka|spark\.sql\.kafka010",
    "rows to Python and back": r"api\.python\.|execution\.python\.|apache\.arrow",
    "sketches": r"org\.apache\.datasketches",
    "rows: JSON": r"com\.fasterxml\.jackson\.core|catalyst\.json|JsonToStructs|StructsToJson",
    "rows: other expressions": r"BoundReference|\.eval\(|nullSafeEval|InterpretedUnsafeProjection"
    r"|InterpretedMutableProjection|Specific\w+Projection|UnsafeRow|java\.util\.regex|UTF8String"
    r"|unsafe\.types|RowToColumnar|ObjectHashAggregate|HashAggregateExec|SortExec|UnsafeExternal",
    "analysing, optimising, planning": r"catalyst\.(analysis|optimizer|rules|plans|trees|parser)"
    r"|execution\.(Query|Spark(Planner|Strategies))|QueryExecution|sql\.classic\.Dataset"
    r"|catalyst\.expressions|TreeNode|antlr",
    "Delta: logs, snapshots, commits": r"org\.apache\.spark\.sql\.delta|io\.delta",
    "reporting progress": r"ProgressReporter|StreamingQueryProgress|StreamingQueryListener|json4s",
    "scheduling jobs": r"org\.apache\.spark\.(scheduler|executor|storage|shuffle|rpc|rdd)",
}
_PATTERNS = {name: re.compile(pattern) for name, pattern in CATEGORIES.items()}
OTHER = "other"


def categorise(frames: Iterable[str]) -> str:
    """What a sample is for; frames: innermost first."""
    for frame in frames:
        for name, pattern in _PATTERNS.items():
            if pattern.search(frame):
                return name
    return OTHER


def read_samples(lines: Iterable[str]) -> Iterator[list[str]]:
    """The stack of each sample in the output of `jfr print`, innermost frame first."""
    frames: list[str] | None = None
    for line in lines:
        text = line.strip()
        if text.startswith("stackTrace = ["):
            frames = []
        elif frames is not None and text.startswith("]"):
            yield frames
            frames = None
        elif frames is not None:
            frames.append(text)


def main(
    events: Annotated[int, typer.Option(help="Events in the backlog.")] = 200_000,
    rate: Annotated[int, typer.Option(help="Events/s at the steady rate.")] = Plan.steady_rate,
    seconds: Annotated[int, typer.Option(help="Seconds at the steady rate.")] = 90,
    folder: Annotated[Path, typer.Option(help="Where it works.")] = ROOT / "bench-data" / "profile",
) -> None:
    """Profile the stream under a backlog, then at a steady rate."""
    missing = [tool for tool in ("jcmd", "jfr") if shutil.which(tool) is None]
    if missing:
        raise typer.BadParameter(f"{' and '.join(missing)} not on PATH: install a JDK 17 or 21")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    plan = Plan(events=events, steady_rate=rate)
    made = write_event_set(folder / "events.ndjson", plan.warmup_events, events, plan.seed)
    with run_stack(folder, plan) as stack:
        producer, topic = make_producer(stack.run["kafka"]), stack.run["topic"]
        send_all(producer, topic, read_events(made.file, 0, plan.warmup_events))
        _drain(stack, plan.warmup_events)

        def work_off() -> int:
            send_all(producer, topic, read_events(made.file, plan.warmup_events, events))
            _drain(stack, plan.warmup_events + events)
            return events

        def go_on() -> int:
            stop = threading.Event()
            with ThreadPoolExecutor(max_workers=1) as pool:
                load = pool.submit(send_steadily, producer, topic, rate, stop.is_set, plan.seed)
                time.sleep(seconds)
                stop.set()
                return load.result()

        _profile(stack, f"a backlog of {events:,} events", work_off, folder / "backlog.jfr")
        _profile(stack, f"{rate} events/s", go_on, folder / "steady.jfr")


def _profile(stack: Stack, title: str, work: Callable[[], int], file: Path) -> None:
    pid = stack.run["pids"]["stream"]
    java = next(str(one) for one, name in list_family(pid).items() if name == "java")
    _run("jcmd", java, "JFR.start", "name=bench", "settings=profile")
    before, started = read_core_s(pid), time.monotonic()
    count = work()
    used, elapsed = read_core_s(pid) - before, time.monotonic() - started
    _run("jcmd", java, "JFR.stop", "name=bench", f"filename={file}")
    printed = _run(
        "jfr", "print", "--stack-depth", "64", "--events", "jdk.ExecutionSample", str(file)
    )
    shares = Counter(categorise(frames) for frames in read_samples(printed.splitlines()))
    total = sum(shares.values())
    typer.echo(
        f"\n{title}: {1e6 * used / count:.0f} core-us per event, {used / elapsed:.2f} cores busy, "
        f"{total:,} samples\n\n| share | what for |\n|---|---|"
    )
    for name, samples in shares.most_common():
        typer.echo(f"| {samples / total:.1%} | {name} |")


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _drain(stack: Stack, records: int) -> None:
    settings = read_settings(stack.data_dir, stack.run["kafka"])
    wait_for(lambda: count_done(settings, records)[0], _LIMIT_S, f"{records:,} records", stack)


if __name__ == "__main__":
    typer.run(main)
