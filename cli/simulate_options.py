"""The options of `web-analytics simulate`: names, ranges, and what `--help` says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from traffic.world import SITES


def _share(text: str) -> Any:
    return typer.Option(min=0, max=1, help=text, show_default=False)


Visitors = Annotated[
    int, typer.Option(min=1, help="People who come and go; more join if the rate needs them.")
]
Rate = Annotated[float, typer.Option(min=0.001, help="Events per second, live.")]
Sites = Annotated[
    int, typer.Option(min=1, max=len(SITES), help="Sites; the first has the most visits.")
]
Bots = Annotated[float | None, _share("Share of visitors that are bots. [default: 0.05]")]
Late = Annotated[float | None, _share("Share of events that come hours or days late.")]
Duplicates = Annotated[float | None, _share("Share of events that are sent twice.")]
Invalid = Annotated[float | None, _share("Malformed records on top, per event.")]
Pii = Annotated[float | None, _share("Share of events with personal data in them.")]
NoConsent = Annotated[float | None, _share("Share of visitors who do not consent to analytics.")]
WrongClocks = Annotated[float | None, _share("Share of visits by a wrong clock.")]
AllFaults = Annotated[
    bool, typer.Option("--all-faults", help="A sensible share of each of these not named.")
]
Seed = Annotated[
    int | None, typer.Option(help="With --start: the same traffic again. Default: random.")
]
Start = Annotated[
    str | None, typer.Option(help="ISO-8601 time of the first live event. Default: now.")
]
Days = Annotated[
    float, typer.Option(min=0, help="First, a history over that many past days (0.25 or more).")
]
Events = Annotated[
    int | None,
    typer.Option(min=1, help="Events: of the history (1,000 per day), or live (10 per visitor)."),
]
Out = Annotated[Path | None, typer.Option(help="Write NDJSON here, send nothing.")]
TruthFile = Annotated[Path | None, typer.Option(help="Write the known truth here, JSON.")]
