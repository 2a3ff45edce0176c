"""What kind of place a visitor comes from: search engine, social network, mail, AI assistant, ...

From origins (`//host`, `android-app://package`, or `click id=utm_source`) to source, medium and
category. Places are Matomo's list (`data/referrers.csv`) and, before it, those of the rule file.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from functools import lru_cache
from importlib import resources
from typing import Any, NamedTuple

import pyarrow as pa
from pyspark.sql import Column
from pyspark.sql.pandas.functions import arrow_udf

from streaming.enrichment.channels import ChannelRules

MEDIUMS = {
    "search": "organic",
    "social": "social",
    "email": "email",
    "ai": "ai-assistant",
    "video": "referral",
    "shopping": "referral",
    "referral": "referral",
}
# A host has at most 253 characters; more of an origin cannot name a known place.
MAX_ORIGIN_LENGTH = 255
_DATA = resources.files("streaming.enrichment").joinpath("data", "referrers.csv")
_REMEMBERED_ORIGINS = 50_000
_GENERIC_ENDINGS = frozenset(("com", "org", "net", "info"))
_SECOND_LEVELS = frozenset(("com", "org", "net", "co", "edu", "ac", "ne", "or"))
_MOBILE_PREFIXES = ("m.", "mobile.", "amp.")
_ORIGIN_DDL = "struct<source string, medium string, category string>"
_ORIGIN = pa.struct([("source", pa.string()), ("medium", pa.string()), ("category", pa.string())])


class Origin(NamedTuple):
    """Where it was; `source` is null for a tagged link, which names its own."""

    source: str | None
    medium: str | None
    category: str | None


class Known(NamedTuple):
    """The rules' part of what is known, hashable and cheap to ship to a Python worker."""

    places: tuple[tuple[str, str, str], ...]  # category, name, host or alias
    apps: tuple[tuple[str, str], ...]  # Android package, host
    click_ids: tuple[tuple[str, str, str], ...]  # click id, source, medium


def look_up_origins(origin: Column, rules: ChannelRules) -> Column:
    """A struct of source, medium and category for each origin; null for null.

    An Arrow UDF: each distinct origin of a batch is looked up once, and remembered by the worker.
    """
    known = Known(
        places=tuple(
            (category, name, host)
            for category, names in rules.sources.items()
            for name, hosts in names.items()
            for host in (name, *hosts)
        ),
        apps=tuple(rules.apps.items()),
        click_ids=tuple((click.name, click.source, click.medium) for click in rules.click_ids),
    )

    def find_origins(origins: pa.Array) -> pa.Array:
        find = make_finder(known)
        encoded = origins.dictionary_encode()
        found = [find(key)._asdict() for key in encoded.dictionary.to_pylist()]
        return pa.array(found, _ORIGIN).take(encoded.indices)

    # PySpark reads the type hints; naming the kind of UDF as its stubs ask makes it warn.
    look_up: Callable[[Column], Column] = arrow_udf(find_origins, _ORIGIN_DDL)  # type: ignore[call-overload]  # stubs
    return look_up(origin)


@lru_cache(maxsize=8)
def make_finder(known: Known) -> Callable[[str], Origin]:
    """A function from an origin to what is known of it, with a bounded memory."""
    places = {host: (category, name) for category, name, host in _read_places()}
    places |= {host: (category, name) for category, name, host in known.places}
    apps = dict(known.apps)
    clicks = {name: (source, medium) for name, source, medium in known.click_ids}

    @lru_cache(maxsize=_REMEMBERED_ORIGINS)
    def find(origin: str) -> Origin:
        if origin.startswith("//"):
            return find_host(places, origin[2:])
        if origin.startswith("android-app://"):
            package = origin.removeprefix("android-app://")
            return find_host(places, apps[package]) if package in apps else refer(package)
        click, _, source = origin.partition("=")
        if source:
            place = find_place(places, source)
            return Origin(None, clicks[click][1] if click else None, place and place[0])
        source, medium = clicks[click]
        place = find_place(places, source)
        return Origin(source, medium, place and place[0])

    return find


def find_host(places: dict[str, tuple[str, str]], host: str) -> Origin:
    """Source and medium of a referring host."""
    host = host.strip(".").removeprefix("www.")
    place = find_place(places, host) if "." in host else None  # `//google/` is no search engine
    if place is None:
        is_webmail = host.startswith("webmail.")
        return Origin(host, "email", "email") if is_webmail else refer(host)
    category, name, listed = place
    return Origin(name if category == "search" else listed, MEDIUMS[category], category)


def find_place(places: dict[str, tuple[str, str]], host: str) -> tuple[str, str, str] | None:
    """Category, name and the part of the host that is listed: itself, else a parent domain.

    A search engine's other hosts are not searches (docs.google.com), so it must match itself.
    """
    for depth, candidate in enumerate(_with_parents(host)):
        for pattern in (candidate, *_country_patterns(candidate)):
            place = places.get(pattern)
            if place is not None and (depth == 0 or place[0] != "search"):
                return (*place, candidate)
    return None


def refer(source: str) -> Origin:
    """A place that nothing is known of."""
    return Origin(source, "referral", "referral") if source else Origin(None, None, None)


def _with_parents(host: str) -> list[str]:
    """The host without a prefix that only says mobile, then its parents down to two labels."""
    host = host.removeprefix("www.")
    for prefix in _MOBILE_PREFIXES:
        if host.count(".") > 1:
            host = host.removeprefix(prefix)
    labels = host.split(".")
    return [host, *(".".join(labels[start:]) for start in range(1, len(labels) - 1))]


def _country_patterns(host: str) -> list[str]:
    """`google.co.uk` as `google.{}`, `de.search.yahoo.com` as `{}.search.yahoo.com`."""
    labels = host.split(".")
    patterns = []
    if len(labels) > 2 and len(labels[0]) == 2:
        patterns.append(".".join(("{}", *labels[1:])))
    if len(labels) > 1 and (len(labels[-1]) == 2 or labels[-1] in _GENERIC_ENDINGS):
        patterns.append(".".join((*labels[:-1], "{}")))
        if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVELS:
            patterns.append(".".join((*labels[:-2], "{}")))
    return patterns


def _read_places() -> list[tuple[Any, Any, Any]]:
    # Not by path: on executors the package is inside a zip.
    lines = _DATA.read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return [(row["category"], row["name"], row["host"]) for row in rows]
