"""One statement of a user as it travels to the process that runs it; plain data."""

from __future__ import annotations

from dataclasses import dataclass

from serving.delta_log import TableState


@dataclass(frozen=True)
class SqlRequest:
    """What was asked, and of which versions. `sites`: only rows of these; None: of all."""

    sql: str
    limit: int
    states: dict[str, TableState]
    sites: tuple[str, ...] | None = None
