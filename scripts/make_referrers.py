"""Makes `streaming/enrichment/data/referrers.csv` from Matomo's list of search engines and more.

    git clone <matomo-org/searchengine-and-social-list>   # CC0 1.0
    .venv/bin/python scripts/make_referrers.py searchengine-and-social-list

Hosts only, in lower case and without `www.`; entries with a path and Android packages are left out
(the packages are in `conf/rules/channels.yaml`). A host listed twice is an AI assistant rather than
a social network, and a social network rather than a search engine.
"""

from __future__ import annotations

import argparse
import csv
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml

TARGET = Path(__file__).resolve().parent.parent / "streaming/enrichment/data/referrers.csv"
_PACKAGE = re.compile(
    r"(com|org|net)\.[a-z0-9]+\.(android|messenger|frontpage)|com\.google\.android"
)
# What a family of engines is called in reports, whatever its part: Google Images is `google`.
_FAMILIES = ("google", "bing", "yahoo", "yandex", "baidu", "auone", "biglobe", "nifty", "so-net")

Row = tuple[str, str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="checkout of Matomo's list")
    folder = parser.parse_args().folder
    rows = sorted(choose_rows(read_rows(folder)))
    with TARGET.open("w", encoding="utf-8", newline="") as file:
        file.write(
            f"# matomo-org/searchengine-and-social-list, {describe_commit(folder)}, CC0 1.0\n"
        )
        file.write("# Made by scripts/make_referrers.py; {} stands for a country.\n")
        csv.writer(file, lineterminator="\n").writerows([("category", "name", "host"), *rows])
    sys.stdout.write(f"{TARGET}: {len(rows)} hosts\n")


def read_rows(folder: Path) -> Iterator[Row]:
    """Every (category, name, host), the categories that win first."""
    for category, file in (("ai", "AIAssistants.yml"), ("social", "Socials.yml")):
        for name, hosts in _read(folder / file).items():
            yield from ((category, name_of(name), host) for host in clean_hosts(hosts))
    for name, parts in _read(folder / "SearchEngines.yml").items():
        for part in parts:
            yield from (("search", name_of(name), host) for host in clean_hosts(part["urls"]))


def choose_rows(rows: Iterable[Row]) -> list[Row]:
    """One row for each host: the first; none where a parent domain says the same."""
    chosen: dict[str, Row] = {}
    for row in rows:
        chosen.setdefault(row[2], row)
    return [row for row in chosen.values() if row[0] == "search" or not _has_parent(row, chosen)]


def _has_parent(row: Row, chosen: dict[str, Row]) -> bool:
    labels = row[2].split(".")
    parents = (".".join(labels[start:]) for start in range(1, len(labels) - 1))
    return any(chosen[parent][:2] == row[:2] for parent in parents if parent in chosen)


def clean_hosts(hosts: Iterable[str]) -> Iterator[str]:
    """The hosts among the entries, as browsers send them, without `www.`."""
    for host in hosts:
        if "/" not in host and not _PACKAGE.match(host):
            yield host.lower().removeprefix("www.")


def name_of(name: str) -> str:
    """The name as reported: `Yahoo! Japan` is `yahoo`, `Google%2B` is `google+`."""
    name = unquote(name).lower().strip()
    for family in _FAMILIES:
        if re.match(rf"{family}([! ]|$)", name):
            return family
    return name


def describe_commit(folder: Path) -> str:
    """Commit and its date."""
    command = ["git", "-C", str(folder), "log", "-1", "--format=commit %H of %cs"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _read(file: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return loaded


if __name__ == "__main__":
    main()
