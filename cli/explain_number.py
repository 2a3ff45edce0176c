"""`web-analytics explain-number`: a number of Gold traced to its events and their Kafka offsets.

Reads the lake with a Spark session of its own and writes nothing, so it works with and without
`up`, needs no key, and shows what the API does not: single events of people.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import DataDir, load_command_settings

if TYPE_CHECKING:
    from serving.gold_reader import GoldReader, States
    from serving.lineage.number import Number
    from settings.model import Settings

_DIFFERS = 1
_CANNOT = 2
# A flow is seldom between two batches for long; so often and so long is looked for that.
_ATTEMPTS = 60
_WAIT_S = 0.25

_Text = str | None


@dataclass(frozen=True)
class Settled:
    """Table states that belong together: Gold, and Silver as far as Gold has read it.

    unread: rows of Silver that Gold has not read. note: what speaks against comparing; else empty.
    """

    states: States
    unread: int = 0
    note: str = ""


def explain_number(
    path: Annotated[str, typer.Argument(help="Path of the API, as /pages.")],
    metric: Annotated[str, typer.Argument(help="One of its metrics, as page_views.")],
    start: Annotated[_Text, typer.Option(help="Included; default: end - 7 days.")] = None,
    end: Annotated[_Text, typer.Option(help="Excluded; default: the coming full hour.")] = None,
    site: Annotated[_Text, typer.Option(help="One site; default: all.")] = None,
    page_path: Annotated[_Text, typer.Option(help="One page.")] = None,
    event_name: Annotated[_Text, typer.Option(help="One name of events.")] = None,
    device_type: Annotated[_Text, typer.Option(help="One class of device.")] = None,
    browser: Annotated[_Text, typer.Option(help="One browser.")] = None,
    system: Annotated[_Text, typer.Option("--os", help="One operating system.")] = None,
    country: Annotated[_Text, typer.Option(help="One country.")] = None,
    city: Annotated[_Text, typer.Option(help="One city.")] = None,
    channel: Annotated[_Text, typer.Option(help="One channel group.")] = None,
    source: Annotated[_Text, typer.Option(help="One source.")] = None,
    medium: Annotated[_Text, typer.Option(help="One medium.")] = None,
    campaign: Annotated[_Text, typer.Option(help="One campaign.")] = None,
    measure: Annotated[_Text, typer.Option(help="Of /performance: its metric, as lcp_ms.")] = None,
    include_bots: Annotated[bool, typer.Option(help="Count automated traffic too.")] = False,
    events: Annotated[int, typer.Option(min=0, help="How many events to list.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Trace a number of Gold to its events and their Kafka offsets.

    Prints the number as Gold has it, the same counted anew from Silver, the events (or sessions and
    their events) by Kafka partition, the versions of the rules that judged them, and the partials
    with the commits that added them. Starts Spark, which takes about ten seconds. Exit code 1: the
    two numbers differ; 2: there is no such number, or no lake.

    \b
    Examples:
      web-analytics explain-number /pages page_views --page-path /pricing --start 2026-05-01
      web-analytics explain-number /traffic-sources sessions --channel Direct --events 3
      web-analytics explain-number /performance p75 --measure lcp_ms --json
    """
    values = {
        "site_id": site,
        "page_path": page_path,
        "event_name": event_name,
        "device_type": device_type,
        "browser": browser,
        "os": system,
        "country": country,
        "city": city,
        "channel": channel,
        "source": source,
        "medium": medium,
        "campaign": campaign,
        "metric": measure,
    }
    from cli.explain_output import describe, show
    from cli.status import find_running
    from serving.errors import ServingError
    from serving.lineage.number import Unexplainable, find_number
    from streaming.overview import Unobservable

    given = {name: value for name, value in values.items() if value is not None}
    try:
        selection = _select(start, end, include_bots=include_bots)
        number = find_number(path, metric, given, selection)
        settings = find_running(load_command_settings(data_dir))
        with _open_lake(settings) as reader:
            settled = _settle(settings, reader, number)
            from serving.lineage.explain import explain

            found = explain(reader, number, settled.states, events, _say)
    except (Unexplainable, Unobservable, ServingError) as error:
        typer.echo(f"web-analytics: {error}", err=True)
        raise typer.Exit(_CANNOT) from error
    if as_json:
        typer.echo(json.dumps(describe(number, found, settled.unread, settled.note), indent=2))
    else:
        show(number, found, settled.unread, settled.note)
    if not found.compared.is_equal:
        raise typer.Exit(_DIFFERS)


def _select(start: str | None, end: str | None, *, include_bots: bool) -> Any:
    """The range as the API understands it. Raises typer.BadParameter, ServingError."""
    from pydantic import ValidationError

    from serving.params import RangeParams

    given = {"start": start, "end": end, "include_bots": include_bots}
    try:
        selection = RangeParams.model_validate(given).select(datetime.now(UTC))
    except ValidationError as error:
        problems = "; ".join(f"--{one['loc'][0]}: {one['msg']}" for one in error.errors())
        raise typer.BadParameter(problems) from error
    if selection.start == selection.end:
        raise typer.BadParameter("--start and --end are the same: there is nothing in between")
    return selection


@contextmanager
def _open_lake(settings: Settings) -> Iterator[GoldReader]:
    """A reader with a Spark session of its own, as the API has it."""
    from serving.gold_reader import GoldReader
    from serving.session import start_session
    from settings.load import lake_root

    _require_lake(settings)
    _say("starting Spark")
    spark = start_session(settings.serving.spark)
    try:
        yield GoldReader(spark, lake_root(settings))
    finally:
        spark.stop()


def _settle(settings: Settings, reader: GoldReader, number: Number) -> Settled:
    """Find states of Gold and Silver that belong together: between two batches of Gold's flow."""
    from streaming.checkpoints import latest_batch
    from streaming.pipeline import FLOWS
    from streaming.progress import count_flow_behind, position_of
    from streaming.runtime import checkpoint_uri

    flow = next(one.name for one in FLOWS if number.table.name in one.targets)
    checkpoint, source = checkpoint_uri(settings, flow), number.table.source

    def look() -> tuple[int | None, int | None]:
        return latest_batch(checkpoint, "offsets"), latest_batch(checkpoint, "commits")

    for attempt in range(_ATTEMPTS):
        planned, done = look()
        states = reader.read_states()
        if planned == done and look() == (planned, done):
            break
        if attempt == 0:
            _say(f"waiting until flow {flow} is between two batches")
        time.sleep(_WAIT_S)
    else:
        return Settled(states, note=f"flow {flow} has a batch that is not finished")
    if done is None:
        note = f"flow {flow} has no checkpoint: Silver is read at its newest version"
        return Settled(states, note=note)
    position = position_of(settings, flow)
    version = max(position.version - (position.index < 0), 0)
    read = reader.read_state(source, version)
    if read is None:
        note = f"version {version} of {source}, which Gold is made from, is cleaned up"
        return Settled(states, count_flow_behind(settings, flow), note)
    return Settled({**states, source: read}, count_flow_behind(settings, flow))


def _require_lake(settings: Settings) -> None:
    from schemas.gold.pages import PAGES
    from settings.load import lake_root
    from streaming.files import local_path
    from streaming.overview import Unobservable

    folder = local_path(f"{lake_root(settings)}/{PAGES.name.replace('.', '/')}")
    if folder is not None and not folder.exists():
        raise Unobservable(
            f"there is no Gold at {lake_root(settings)} yet. `web-analytics up` or "
            "`web-analytics stream` makes it; another place is named with --data-dir or the "
            "setting lake.root."
        )


def _say(text: str) -> None:
    typer.echo(f"{text} ...", err=True)
