"""`web-analytics status`: the ledger, lag, rates and freshness of a lake, and each check."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import DataDir, load_command_settings

if TYPE_CHECKING:
    from settings.model import Settings
    from streaming.runtime import Runtime

_UNOBSERVABLE = 2
_NOT_PROVEN = 1
_COLOURS = {"HEALTHY": "green", "WARNING": "yellow", "CRITICAL": "red"}


def status(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify",
            help="Also prove the ledger, the sessions and Gold record by record; starts Spark.",
        ),
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Show lag, freshness, the ledger, each flow's rate and each check.

    Works while the app runs and when it is down. Exit code 2: Kafka or the lake cannot be read;
    1: --verify found something wrong, or the app is not caught up, so that nothing can be proven.

    \b
    Examples:
      web-analytics status
      web-analytics status --json --data-dir data
      web-analytics status --verify
    """
    from streaming.files import local_path
    from streaming.overview import Unobservable, describe, observe

    try:
        settings = find_running(load_command_settings(data_dir))
        runtime = None
        if verify or local_path(_lake_root(settings)) is None:
            runtime = _start_spark(settings)
        overview = observe(settings)
    except Unobservable as error:
        typer.echo(f"web-analytics: {error}", err=True)
        raise typer.Exit(_UNOBSERVABLE) from error
    answer = describe(overview)
    if runtime is not None and verify:
        answer["checks"] += _verify(runtime)
        # What was proven holds only if nothing was on its way, before or meanwhile.
        is_still = observe(settings).ledger == overview.ledger and overview.is_caught_up
        answer["proven"] = is_still and all(
            check["status"] != "CRITICAL" for check in answer["checks"]
        )
    if as_json:
        typer.echo(json.dumps(answer, indent=2))
    else:
        show(answer, is_running=overview.is_running)
    if not answer.get("proven", True):
        raise typer.Exit(_NOT_PROVEN)


def find_running(settings: Settings) -> Settings:
    """The settings, with the addresses of the `up` that runs over the data folder, if one does."""
    run_file = Path(settings.data_dir).expanduser() / "run.json"
    try:
        run = json.loads(run_file.read_text(encoding="utf-8"))
        kafka = {"bootstrap_servers": run["kafka"], "topic": run["topic"]}
        lake = {"root": run["lake"], "checkpoints": run["checkpoints"]}
    except FileNotFoundError:
        return settings
    except (OSError, ValueError, KeyError, TypeError) as error:
        from streaming.overview import Unobservable

        raise Unobservable(
            f"cannot read the addresses in {run_file} ({error!r}). `web-analytics up` writes that "
            "file anew when it starts; delete it where none runs."
        ) from error
    return settings.model_copy(
        update={
            "kafka": settings.kafka.model_copy(update=kafka),
            "lake": settings.lake.model_copy(update=lake),
        }
    )


def show(answer: dict[str, Any], *, is_running: bool) -> None:
    """Print the answer for people."""
    from rich.console import Console
    from rich.table import Column, Table

    console = Console()
    ledger = answer["ledger"]
    is_caught_up = answer["caught_up"]
    console.print(
        f"app [bold]{'running' if is_running else 'down'}[/], "
        f"[bold]{'caught up' if is_caught_up else 'catching up' if is_running else 'behind'}[/]"
    )
    outcomes: tuple[str, ...] = ("silver", "dead_letters", "duplicates", "erased")
    balance = "balanced" if ledger["balanced"] else "not balanced"
    if not is_caught_up and not ledger["balanced"]:
        balance = "catching up" if is_running else "behind"
    if ledger.get("expired") or ledger.get("expired_letters"):
        outcomes += ("expired_letters",)
    expired = f" and {ledger['expired']:,} expired" if ledger.get("expired") else ""
    console.print(
        f"ledger: {ledger['records']:,} records in Kafka, "
        f"{ledger['bronze']:,} in Bronze{expired} = "
        + " + ".join(f"{ledger[name]:,} {name}" for name in outcomes)
        + f" ([bold]{balance}[/])\n"
    )
    flows = Table("flow", "rows in/s", "rows done/s", "last batch", "behind")
    for flow in answer["flows"]:
        last_ms = flow["last_batch_ms"]
        flows.add_row(
            flow["name"],
            f"{flow['input_rows_per_second']:,.0f}",
            f"{flow['processed_rows_per_second']:,.0f}",
            "-" if last_ms is None else f"{last_ms / 1000:.1f} s",
            f"{flow['behind_rows']:,}",
        )
    freshness = Table("table", "newest data")
    for name, age_s in answer["freshness_s"].items():
        freshness.add_row(name, "-" if age_s is None else f"{_describe_age(age_s)} ago")
    checks = Table(Column("check", no_wrap=True), "state", "value", "limit", "what it is")
    for check in answer["checks"]:
        state = f"[{_COLOURS[check['status']]}]{check['status']}[/]"
        limit = "-" if check["threshold"] is None else str(check["threshold"])
        checks.add_row(check["name"], state, str(check["value"]), limit, check["help"])
    console.print(flows, freshness, checks)
    if "proven" in answer:
        console.print("[green]proven[/]" if answer["proven"] else "[red]not proven[/]")
        if not is_caught_up:
            console.print("The app was not caught up: wait, or stop what sends, and verify again.")


def _describe_age(age_s: float) -> str:
    for unit, length_s in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if age_s >= 2 * length_s:
            return f"{age_s / length_s:.0f} {unit}"
    return f"{max(age_s, 0):.1f} s"


def _verify(runtime: Runtime) -> list[dict[str, Any]]:
    from dataclasses import asdict

    from streaming.ledger import verify

    return [asdict(check) for check in verify(runtime)]


def _start_spark(settings: Settings) -> Runtime:
    from embedded.jars import spark_jars
    from embedded.java import java_home
    from streaming.runtime import Runtime
    from streaming.session import build_session

    os.environ["JAVA_HOME"] = str(java_home())
    jars = spark_jars() if settings.spark.packages else []
    return Runtime(build_session(settings, jars), settings)


def _lake_root(settings: Settings) -> str:
    from settings.load import lake_root

    return lake_root(settings)
