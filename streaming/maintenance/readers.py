"""Which flows read a table."""

from __future__ import annotations

from schemas.silver import HEARTBEATS
from streaming.progress import SOURCES


def find_readers(name: str) -> list[tuple[str, int]]:
    """The flows that read the table, and as which of their sources, by number."""
    readers = [(flow, 0) for flow, source in SOURCES.items() if source == name]
    return [*readers, ("sessions", 1)] if name == HEARTBEATS.name else readers
