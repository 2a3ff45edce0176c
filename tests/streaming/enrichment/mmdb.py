"""A small MaxMind database, for tests: from networks and records to the bytes of a .mmdb file.

Only what the tests need of the format (version 2.0, records of 24 bits): text, maps, numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

_STRING, _UINT16, _UINT32, _MAP, _UINT64, _ARRAY = 2, 5, 6, 7, 9, 11
_MARKER = b"\xab\xcd\xefMaxMind.com"

Node = list[Any]  # two branches, each None, a Node, or the bytes of a record


def make_mmdb(
    records: Mapping[str, Any],
    *,
    kind: str = "Test-City",
    epoch: int = 1_750_000_000,
    version: int = 6,
) -> bytes:
    """records: CIDR -> record; IPv4 networks lie under ::/96, as in the real ones."""
    root: Node = [None, None]
    for cidr, record in records.items():
        _insert(root, _bits(cidr, version), _encode(record))
    nodes = _list_nodes(root)
    numbers = {id(node): number for number, node in enumerate(nodes)}
    data, tree = b"", b""
    for node in nodes:
        for branch in node:
            if branch is None:
                pointer = len(nodes)
            elif isinstance(branch, bytes):
                pointer = len(nodes) + 16 + len(data)
                data += branch
            else:
                pointer = numbers[id(branch)]
            tree += pointer.to_bytes(3)
    metadata = {
        "binary_format_major_version": _number(2, _UINT16),
        "binary_format_minor_version": _number(0, _UINT16),
        "build_epoch": _number(epoch, _UINT64),
        "database_type": kind,
        "description": {"en": "for tests"},
        "languages": _control(_ARRAY, 0),
        "ip_version": _number(version, _UINT16),
        "node_count": _number(len(nodes), _UINT32),
        "record_size": _number(24, _UINT16),
    }
    return tree + bytes(16) + data + _MARKER + _encode(metadata)


def _bits(cidr: str, version: int) -> str:
    network = ip_network(cidr)
    bits = f"{int(network.network_address):0{network.max_prefixlen}b}"[: network.prefixlen]
    return "0" * 96 + bits if version == 6 and network.version == 4 else bits


def _insert(node: Node, bits: str, record: bytes) -> None:
    for bit in map(int, bits[:-1]):
        if node[bit] is None:
            node[bit] = [None, None]
        node = node[bit]
    node[int(bits[-1])] = record


def _list_nodes(node: Node) -> list[Node]:
    return [node] + [
        found for branch in node if isinstance(branch, list) for found in _list_nodes(branch)
    ]


def _encode(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value  # encoded already
    if isinstance(value, str):
        return _control(_STRING, len(value.encode())) + value.encode()
    pairs = (_encode(key) + _encode(item) for key, item in value.items())
    return _control(_MAP, len(value)) + b"".join(pairs)


def _number(value: int, kind: int) -> bytes:
    size = (value.bit_length() + 7) // 8
    return _control(kind, size) + value.to_bytes(size)


def _control(kind: int, size: int) -> bytes:
    assert size < 29, "longer ones are written differently"
    return bytes([kind << 5 | size]) if kind < 8 else bytes([size, kind - 7])
