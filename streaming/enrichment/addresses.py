"""Client addresses as numbers: from what a client or proxy sent to one key per network.

A key orders both families in one row of numbers: an IPv4 address is itself (below 2^32), an IPv6
address is its upper 64 bits, the network that one customer gets. Public IPv6 starts at 2000::, so
the two never meet, and every key fits a signed 64-bit integer.
"""

from __future__ import annotations

from bisect import bisect_right
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from socket import AF_INET, AF_INET6, inet_pton

NO_ADDRESS = -1
# Public IPv6 is 2000::/3: the keys from the first to before the second.
FIRST_IPV6_KEY = 0x2000 << 48
END_IPV6_KEY = 0x4000 << 48

# A list of proxies is short; what is longer than this is no address.
_MAX_LENGTH = 1024
_MAPPED_PREFIX = bytes(10) + b"\xff\xff"
# IANA's special-purpose registries: what is not globally reachable, and the tunnels (Teredo, 6to4)
# whose IPv6 address says nothing of the place.
_NOT_PUBLIC = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/3",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
)


def key_range(network: IPv4Network | IPv6Network) -> tuple[int, int]:
    """First key of the network and the first one after it; a part of a /64 counts as all of it.

    Both are the same, and so the range is empty, for an IPv6 network that is not public.
    """
    first, last = int(network.network_address), int(network.broadcast_address)
    if network.version == 4:
        return first, last + 1
    start, end = (
        min(max(key, FIRST_IPV6_KEY), END_IPV6_KEY) for key in (first >> 64, (last >> 64) + 1)
    )
    return start, end


# Start and end of each range in turn: a key is inside one where its place is odd.
_NOT_PUBLIC_EDGES = [edge for cidr in _NOT_PUBLIC for edge in key_range(ip_network(cidr))]


def read_address(text: str | None) -> int:
    """Key of the first public address in the text; `NO_ADDRESS` where there is none.

    text: an address of either family, also mapped (`::ffff:`), in brackets, with a port or zone,
    or a list as in `X-Forwarded-For`.
    """
    if text is None or len(text) > _MAX_LENGTH:
        return NO_ADDRESS
    key = _read_plain(text)
    if key != NO_ADDRESS:
        return key
    for part in text.split(","):
        key = _read_plain(_strip(part))
        if key != NO_ADDRESS:
            return key
    return NO_ADDRESS


def to_address(key: int) -> IPv4Address | IPv6Address:
    """The address of a key; of an IPv6 network its first one."""
    return IPv4Address(key) if key < FIRST_IPV6_KEY else IPv6Address(key << 64)


def _read_plain(text: str) -> int:
    """Key of a public address that is all of the text."""
    try:
        packed = inet_pton(AF_INET6 if ":" in text else AF_INET, text)
    except (OSError, ValueError):  # ValueError: a null character
        return NO_ADDRESS
    if packed[:12] == _MAPPED_PREFIX:
        packed = packed[12:]
    key = int.from_bytes(packed[:8])
    if len(packed) == 16 and not FIRST_IPV6_KEY <= key < END_IPV6_KEY:
        return NO_ADDRESS
    if bisect_right(_NOT_PUBLIC_EDGES, key) % 2:
        return NO_ADDRESS
    return key


def _strip(text: str) -> str:
    """One element of a list without blanks, quotes, brackets, port and zone."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    return text.partition("%")[0]
