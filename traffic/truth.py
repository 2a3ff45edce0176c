"""What the product must come to: counted from the records as they are sent.

From `traffic.faults.Record`s to one plain dictionary, described in docs/simulate.md. Counts and
sums are exact. Shares no code with `streaming`; sessions are found in `traffic/totals.py`.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from datetime import UTC, datetime
from enum import StrEnum
from math import ceil
from typing import Any

from traffic.actions import Event
from traffic.agents import BotKind
from traffic.faults import Record
from traffic.totals import Act, Tally, render, sum_up
from traffic.visits import Step

_VITALS = (
    "load_time_ms",
    "ttfb_ms",
    "dom_interactive_ms",
    "fcp_ms",
    "lcp_ms",
    "inp_ms",
    "cls",
)
_SITE_CURRENCY = "USD"
_RANKS = (50, 75, 90, 99)
_RANK_ERROR = 0.01  # CONTRACT section 3
_KINDS = ("records", "events", "duplicates", "conflicts", "late", "out_of_order", "no_consent")


class Group(StrEnum):
    """Who visits: no visitor is in two groups, so all numbers of groups add up."""

    PEOPLE = "people"
    DECLARED = "declared"  # bots by what their agent says
    SCRIPTED = "scripted"  # bots by behaviour only


# Name in the report -> who is counted.
POPULATIONS: dict[str, tuple[Group, ...]] = {
    "all": tuple(Group),
    "without_declared_bots": (Group.PEOPLE, Group.SCRIPTED),
    "without_bots": (Group.PEOPLE,),
}


class Truth:
    """Counts records; with `has_details` also who did what, which takes memory per event."""

    def __init__(self, seed: int, start_ms: int, has_details: bool) -> None:
        self._seed, self._start_ms, self._has_details = seed, start_ms, has_details
        self._kinds: Counter[str] = Counter()
        self._types: Counter[str] = Counter()
        self._invalid: Counter[str] = Counter()
        self._bots: Counter[str] = Counter()
        self._revenue_cents: Counter[str] = Counter()
        self._planted: list[dict[str, str | None]] = []
        self._pii: Counter[str] = Counter()
        self._tallies: defaultdict[tuple[str, Group], Tally] = defaultdict(Tally)
        self._vitals: dict[str, array[float]] = {name: array("d") for name in _VITALS}
        self._wrong_clocks: Counter[str] = Counter()

    def count(self, record: Record) -> None:
        """Take one sent record into account."""
        self._kinds["records"] += 1
        step = record.step
        if step is None:
            self._invalid[str(record.reason)] += 1
            return
        if record.is_copy:
            self._kinds["duplicates"] += 1
            self._kinds["conflicts"] += record.is_conflict
            return
        event = step.event
        self._kinds["events"] += 1
        self._kinds["late"] += record.is_late
        self._kinds["out_of_order"] += record.is_out_of_order
        self._kinds["no_consent"] += not step.visitor.has_consent
        self._types[event["event_type"]] += 1
        if step.visitor.bot:
            self._bots[step.visitor.bot] += 1
            self._kinds["bot_page_views"] += step.path is not None
        if "value" in event:
            currency = event.get("currency", _SITE_CURRENCY)
            self._revenue_cents[currency] += round(event["value"] * 100)
            self._kinds["conversions"] += 1
        if record.planted:
            self._pii[record.planted.kind] += 1
        if self._has_details:
            self._count_details(record, step, event)

    def report(self) -> dict[str, Any]:
        """The numbers so far."""
        revenue = {name: cents / 100 for name, cents in sorted(self._revenue_cents.items())}
        numbers: dict[str, Any] = {
            "seed": self._seed,
            "start": datetime.fromtimestamp(self._start_ms / 1000, UTC).isoformat(),
            **{name: self._kinds[name] for name in _KINDS},
            "invalid": self._invalid.total(),
            "invalid_by_reason": dict(sorted(self._invalid.items())),
            "events_by_type": dict(sorted(self._types.items())),
            "page_views": self._types["page_view"],
            "conversions": self._kinds["conversions"],
            "revenue": revenue.get(_SITE_CURRENCY, 0.0),
            "revenue_by_currency": revenue,
            "bots": {
                "events": self._bots.total(),
                "page_views": self._kinds["bot_page_views"],
                "events_by_kind": dict(sorted(self._bots.items())),
            },
            "pii": {"events": self._pii.total(), "by_kind": dict(sorted(self._pii.items()))},
        }
        return numbers | self._report_details(numbers) if self._has_details else numbers

    def _count_details(self, record: Record, step: Step, event: Event) -> None:
        visitor = step.visitor
        tally = self._tallies[event["site_id"], _group_of(visitor.bot)]
        cents = round(event["value"] * 100) if "value" in event else None
        act = Act(
            record.event_ms,
            event["event_id"],
            event["event_type"],
            step.path,
            step.origin,
            cents,
            event.get("currency", _SITE_CURRENCY) == _SITE_CURRENCY,
        )
        is_dated = not visitor.skew_ms
        visitor_id = visitor.visitor_id if visitor.has_consent else None
        tally.add(act, visitor_id, visitor.device, is_dated, event.get("currency", _SITE_CURRENCY))
        if not is_dated:
            self._wrong_clocks["events"] += 1
            self._wrong_clocks["page_views"] += step.path is not None
        if step.path is not None:
            for name in _VITALS:
                if name in event:
                    self._vitals[name].append(event[name])
        if record.planted:
            self._planted.append(record.planted.describe())

    def _report_details(self, numbers: dict[str, Any]) -> dict[str, Any]:
        sites = sorted({site for site, _ in self._tallies})
        sums = {key: sum_up(tally) for key, tally in self._tallies.items()}

        def select(groups: tuple[Group, ...], wanted: list[str]) -> dict[str, Any]:
            return render([sums[key] for key in sums if key[0] in wanted and key[1] in groups])

        populations = {
            name: {
                "total": select(groups, sites),
                "sites": {site: select(groups, [site]) for site in sites},
            }
            for name, groups in POPULATIONS.items()
        }
        everyone = populations["all"]["total"]
        bots = select((Group.DECLARED, Group.SCRIPTED), sites)
        names = ("unique_visitors", "sessions")
        undated = [tally.undated_visitors for tally in self._tallies.values()]
        return {
            "unique_visitors": everyone["unique_visitors"],
            "sessions": everyone["sessions"],
            "pages": everyone["pages"],
            "bots": numbers["bots"] | {name: bots[name] for name in names},
            "pii": numbers["pii"] | {"planted": self._planted},
            # Their days are those of their arrival, which nobody knows here: see docs/simulate.md.
            "wrong_clocks": dict(self._wrong_clocks) | {"unique_visitors": sum(map(len, undated))},
            "performance": {
                name: _describe_distribution(values) for name, values in self._vitals.items()
            },
            "populations": populations,
        }


def _group_of(bot: BotKind | None) -> Group:
    if bot is None:
        return Group.PEOPLE
    return Group.SCRIPTED if bot is BotKind.SCRIPTED else Group.DECLARED


def _describe_distribution(values: array[float]) -> dict[str, Any]:
    """Each percentile with the least and the greatest answer within the allowed rank error."""
    ordered = sorted(values)

    def at(rank: float) -> float:
        place = ceil(rank * len(ordered)) - 1
        return ordered[min(max(place, 0), len(ordered) - 1)]

    described: dict[str, Any] = {"samples": len(ordered)}
    for percent in _RANKS if ordered else ():
        rank = percent / 100
        described[f"p{percent}"] = {
            "value": at(rank),
            "least": at(rank - _RANK_ERROR),
            "greatest": at(rank + _RANK_ERROR),
        }
    return described
