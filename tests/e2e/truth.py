"""The truth of `simulate` against what the product says: each function lists the differences.

From the file that `--truth` wrote (docs/simulate.md) and answers of the API, rows of tables or
`status --json` to lines of text; an empty list means that all is right.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

Get = Callable[..., Any]  # get("/pages", start=..., ...) -> the decoded answer
Truth = Mapping[str, Any]
Row = Mapping[str, Any]

# Population of the truth -> the parameter that asks for it. Bots by behaviour are known once
# sessions are closed; `without_declared_bots` is for an app that does not judge behaviour.
INCLUDE_BOTS = {"all": "true", "without_bots": "false", "without_declared_bots": "false"}
_SMALL, _RELATIVE_ERROR = 1000, 0.02  # CONTRACT section 3
# A wrong clock's event is placed by its arrival, which the broker may stamp a moment off.
_SECONDS_PER_WRONG_CLOCK = 2.0
_NOT_SCANNED = ("event_id", "session_id", "visitor_id", "anonymous_id", "user_id")


def compare_ledger(status: Mapping[str, Any], truth: Truth) -> list[str]:
    """`status --json` of an app that has seen just this traffic, once."""
    expected = {
        "records": truth["records"],
        "bronze": truth["records"],
        "silver": truth["events"],
        "dead_letters": truth["invalid"],
        "duplicates": truth["duplicates"],
        "balanced": True,
    }
    return _differences("ledger", expected, status["ledger"])


def compare_dead_letters(rows: Iterable[Row], truth: Truth) -> list[str]:
    """Rows of `bronze.dead_letters`: `reason`."""
    found = Counter(str(row["reason"]) for row in rows)
    return _differences("dead letters", truth["invalid_by_reason"], found, 0, is_whole=True)


def compare_events(rows: Iterable[Row], truth: Truth, population: str = "all") -> list[str]:
    """Rows of `silver.events`, bots left out where the population has none: `site_id`,
    `event_type`, `visitor_id`.
    """
    events: defaultdict[str, Counter[str]] = defaultdict(Counter)
    visitors: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        events[row["site_id"]][row["event_type"]] += 1
        if row["visitor_id"] is not None:
            visitors[row["site_id"]].add(row["visitor_id"])
    found = []
    for site, expected in truth["populations"][population]["sites"].items():
        types = expected["events_by_type"]
        found += _differences(f"events of {site}", types, events[site], 0, is_whole=True)
        if len(visitors[site]) != expected["unique_visitors"]:
            wanted = expected["unique_visitors"]
            found.append(f"visitors of {site}: {len(visitors[site])}, not {wanted}")
    return found


def compare_personal_data(rows: Iterable[Row], truth: Truth) -> list[str]:
    """Rows of `silver.events`, all their columns: nothing planted is left, and each is flagged."""
    by_event = {(row["site_id"], row["event_id"]): row for row in rows}
    found = []
    for planted in truth["pii"]["planted"]:
        about = f"{planted['kind']} in {planted['field']} of {planted['event_id']}"
        row = by_event.get((planted["site_id"], planted["event_id"]))
        if row is None:
            found.append(f"{about}: the event is missing")
            continue
        leaks = [
            name
            for name, value in row.items()
            if name not in _NOT_SCANNED and planted["secret"] in str(value)
        ]
        if leaks:
            found.append(f"{about}: still in {', '.join(leaks)}")
        if planted["kind"] not in row["pii_flags"]:
            found.append(f"{about}: flags are {list(row['pii_flags'])}")
        if planted["redacted"] not in (None, row[planted["field"]]):
            found.append(f"{about}: {row[planted['field']]!r}, not {planted['redacted']!r}")
    return found


def compare_pages(
    get: Get, truth: Truth, population: str, site: str | None = None, **parameters: str
) -> list[str]:
    """`GET /pages`; `parameters`: at least start and end."""
    found = {row["page_path"]: row for row in _ask(get, "/pages", population, site, parameters)}
    expected = _select(truth, population, site)["pages"]
    differences = [f"page {path}: not in both" for path in sorted(expected.keys() ^ found.keys())]
    for path in expected.keys() & found.keys():
        differences += _differences(f"page {path}", expected[path], found[path])
    return differences


def compare_sessions(
    get: Get, truth: Truth, population: str, site: str | None = None, **parameters: str
) -> list[str]:
    """`GET /sessions` over the whole range."""
    (row,) = _ask(get, "/sessions", population, site, parameters)
    expected = _select(truth, population, site)
    sessions = expected["sessions"]
    names = ("sessions", "engaged_sessions", "bounces", "bounce_rate", "pages_per_session")
    wanted = {name: sessions[name] for name in (*names, "conversions", "revenue")}
    # Who did not consent has no session.
    wanted["unique_visitors"] = expected["unique_visitors"]
    differences = _differences("sessions", wanted, row)
    mean_s = sessions["duration_sum_s"] / max(1, sessions["sessions"])
    wrong = truth["wrong_clocks"].get("unique_visitors", 0)
    slack_s = wrong * _SECONDS_PER_WRONG_CLOCK / max(1, sessions["sessions"]) + 1e-6
    if abs(row["avg_duration_s"] - mean_s) > slack_s:
        differences.append(f"sessions: avg_duration_s is {row['avg_duration_s']}, not {mean_s}")
    return differences


def compare_days(
    get: Get,
    truth: Truth,
    population: str,
    arrival_days: Collection[str],
    site: str | None = None,
    **parameters: str,
) -> list[str]:
    """`GET /sessions?interval=day`, but for the days on which records arrived.

    arrival_days: dates such as 2026-03-01; wrong clocks' visits fall on these.
    """
    rows = _ask(get, "/sessions", population, site, parameters | {"interval": "day"})
    found = {str(row["bucket"])[:10]: row for row in rows if row["sessions"]}
    days = {
        day: numbers["sessions"]
        for day, numbers in _select(truth, population, site)["days"].items()
        if numbers["sessions"]["sessions"]
    }
    names = ("sessions", "engaged_sessions", "bounces", "conversions", "revenue", "unique_visitors")
    differences = []
    for day in (days.keys() | found.keys()) - set(arrival_days):
        wanted = {name: days.get(day, {}).get(name, 0) for name in names}
        differences += _differences(f"day {day}", wanted, found.get(day, {}), default=0)
    return differences


def compare_sources(
    get: Get, truth: Truth, population: str, site: str | None = None, **parameters: str
) -> list[str]:
    """`GET /traffic-sources`."""
    keys = ("channel", "source", "medium", "campaign")
    names = ("sessions", "unique_visitors", "bounce_rate", "conversions", "revenue")
    rows = _ask(get, "/traffic-sources", population, site, parameters)
    return _compare_rows("source", _select(truth, population, site)["sources"], rows, keys, names)


def compare_devices(
    get: Get, truth: Truth, site: str | None = None, **parameters: str
) -> list[str]:
    """`GET /devices` without bots: a bot's device is nobody's to know."""
    keys = ("device_type", "browser", "os")
    names = ("sessions", "unique_visitors", "page_views")
    rows = _ask(get, "/devices", "without_bots", site, parameters)
    expected = _select(truth, "without_bots", site)["devices"]
    return _compare_rows("device", expected, rows, keys, names)


def compare_conversions(
    get: Get, truth: Truth, population: str, site: str | None = None, **parameters: str
) -> list[str]:
    """`GET /conversions`, whatever the events are called."""
    rows = _ask(get, "/conversions", population, site, parameters)
    expected = _select(truth, population, site)
    usd = expected["revenue_by_currency"].get("USD", 0.0)
    wanted = {"conversions": expected["conversions"], "value": usd}
    found = {name: sum(row[name] for row in rows) for name in wanted}
    return _differences("conversions", wanted, found)


def compare_performance(rows: Iterable[Row], truth: Truth) -> list[str]:
    """`data` of `GET /performance` for all pages together, with `metric` as the event's field."""
    found = {row["metric"]: row for row in rows}
    differences = []
    for metric, expected in truth["performance"].items():
        row = found.get(metric, {})
        if row.get("samples") != expected["samples"]:
            differences.append(f"{metric}: {row.get('samples')} samples, not {expected['samples']}")
            continue
        for name, bound in expected.items():
            if name != "samples" and not bound["least"] <= row[name] <= bound["greatest"]:
                differences.append(f"{metric}: {name} is {row[name]}, not within {bound}")
    return differences


def _ask(
    get: Get, path: str, population: str, site: str | None, parameters: Mapping[str, str]
) -> list[dict[str, Any]]:
    chosen = {"include_bots": INCLUDE_BOTS[population], "limit": "10000", **parameters}
    if site is not None:
        chosen["site_id"] = site
    return list(get(path, **chosen)["data"])


def _select(truth: Truth, population: str, site: str | None) -> dict[str, Any]:
    numbers = truth["populations"][population]
    return dict(numbers["total"] if site is None else numbers["sites"][site])


def _compare_rows(
    what: str,
    expected: Iterable[Row],
    found: Iterable[Row],
    keys: tuple[str, ...],
    names: tuple[str, ...],
) -> list[str]:
    wanted = {tuple(row[key] for key in keys): row for row in expected}
    given = {tuple(row[key] for key in keys): row for row in found}
    differences = []
    for key in wanted.keys() | given.keys():
        numbers = {name: wanted.get(key, {}).get(name, 0) for name in names}
        differences += _differences(f"{what} {key}", numbers, given.get(key, {}), default=0)
    return differences


def _differences(
    what: str,
    expected: Mapping[str, Any],
    found: Mapping[str, Any],
    default: Any = None,
    is_whole: bool = False,
) -> list[str]:
    """What is not as expected; `is_whole`: nor may there be anything beyond."""
    names = expected.keys() | found.keys() if is_whole else expected.keys()
    return [
        f"{what}: {name} is {found.get(name, default)}, not {expected.get(name, default)}"
        for name in sorted(names)
        if not _is_equal(name, expected.get(name, default), found.get(name, default))
    ]


def _is_equal(name: str, expected: Any, found: Any) -> bool:
    if expected is None or found is None:
        return expected is found
    if name == "unique_visitors":
        slack = 1 if expected < _SMALL else expected * _RELATIVE_ERROR
        return bool(abs(found - expected) <= slack)
    if isinstance(expected, float):
        return bool(abs(float(found) - expected) <= 1e-6 * max(1.0, abs(expected)))
    return bool(expected == found)
