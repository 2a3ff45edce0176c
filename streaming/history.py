"""Raises the floors in `<lake>/history.json`: from which version on the past may be asked for.

To be called before older versions are made unreadable, or must not be read any more. The format is
`schemas/history.py`'s; the API reads it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from schemas.history import HISTORY_FILE, Floor, dump_floors, parse_floors, raise_floors
from settings.load import lake_root
from settings.model import Settings
from streaming.files import read_text, write_text

_LOCK = threading.Lock()


def raise_history(settings: Settings, floors: Mapping[str, Floor]) -> None:
    """Raise the floors of some tables; a floor never goes down."""
    uri = f"{lake_root(settings)}/{HISTORY_FILE}"
    with _LOCK:
        text = read_text(uri)
        old = parse_floors(text) if text is not None else {}
        new = raise_floors(old, floors)
        if new != old:
            write_text(uri, dump_floors(new))
