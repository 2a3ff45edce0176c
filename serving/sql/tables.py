"""The tables that `POST /query` may read, by the names of the contract: Silver and Gold."""

from __future__ import annotations

from dataclasses import dataclass

from serving.gold_reader import TABLES


@dataclass(frozen=True)
class Readable:
    """A table, or a view: the rows of `source` that meet `condition`."""

    source: str
    condition: str = "true"


READABLE = {
    **{name: Readable(name) for name in TABLES},
    "silver.page_views": Readable("silver.events", "event_type = 'page_view'"),
}
