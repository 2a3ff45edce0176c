"""Lists of networks, for example those of data centres: from a text file to a membership test.

The file has one CIDR or address a line, of either family; `#` starts a comment.
"""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streaming.enrichment.addresses import key_range

# Start and end of disjoint ranges in turn, ascending: a key is inside where its place is odd.
Networks = NDArray[np.int64]


class NetworkListError(Exception):
    """A list of networks cannot be read; the message names the setting, the file and the line."""


def load_networks(path: str | Path, setting: str) -> Networks:
    """Read the file that `setting` names.

    Raises NetworkListError.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise NetworkListError(
            f"{setting}: {path} cannot be read ({error}); name a UTF-8 text file of one network "
            "a line, or leave the setting out"
        ) from error
    ranges = []
    for number, line in enumerate(lines, start=1):
        text = line.partition("#")[0].strip()
        if text:
            try:
                ranges.append(key_range(ip_network(text, strict=False)))
            except ValueError as error:
                raise NetworkListError(
                    f"{setting}: {path}, line {number}: {error}; write it as 192.0.2.0/24 "
                    "or 2001:db8::/32"
                ) from error
    return _merge(ranges)


def are_members(networks: Networks, keys: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the keys (`addresses.read_address`) lie in one of the networks."""
    return np.asarray(np.searchsorted(networks, keys, side="right") % 2 == 1)


def _merge(ranges: list[tuple[int, int]]) -> Networks:
    edges: list[int] = []
    for start, end in sorted(ranges):
        if start == end:
            continue
        if edges and start <= edges[-1]:
            edges[-1] = max(edges[-1], end)
        else:
            edges += [start, end]
    return np.array(edges, dtype=np.int64)
