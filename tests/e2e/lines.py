"""NDJSON of `simulate` in another order, or in parts, with the same truth.

An event of a wrong clock is placed by its arrival, so what such a clock sent at once is kept
together: torn apart, its visit would be another one.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterable


def shuffle_lines(lines: Iterable[bytes], seed: int) -> list[bytes]:
    """The lines in an order of chance."""
    groups = _group(lines)
    random.Random(seed).shuffle(groups)
    return [line for group in groups for line in group]


def split_lines(lines: list[bytes], parts: int) -> list[list[bytes]]:
    """The lines in parts of about equal size, each to be sent after the one before."""
    split: list[list[bytes]] = [[] for _ in range(parts)]
    number = 0
    for group in _group(lines):
        split[min(number * parts // len(lines), parts - 1)] += group
        number += len(group)
    return split


def find_sending(line: bytes) -> tuple[str, int | str] | None:
    """Who sent the line, and when by a clock that may be wrong; None where it says nothing."""
    if b'"sent_timestamp"' not in line:
        return None
    try:
        event = json.loads(line)
        return event.get("anonymous_id") or event["user_id"], event["sent_timestamp"]
    except (ValueError, RecursionError, KeyError, AttributeError):
        return None  # malformed: it may go anywhere


def _group(lines: Iterable[bytes]) -> list[list[bytes]]:
    groups: defaultdict[object, list[bytes]] = defaultdict(list)
    for number, line in enumerate(lines):
        groups[find_sending(line) or number].append(line)
    return list(groups.values())
