"""What is stored of a client address: its network, /24 of IPv4 or /48 of IPv6, or nothing.

From a column with what a client or proxy sent to one SQL expression; native, for both families.
"""

from __future__ import annotations

from schemas.privacy import AddressMode

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}"
_PORT = "(?::[0-9]{1,5})?"
# ::ffff:192.0.2.1 and the same written out, and ::ffff:c000:201: IPv4 in the form of IPv6.
_MAPPED = "(?:::|(?:0{1,4}:){5})ffff:"
_HEXTET = "[0-9a-f]{1,4}"
# Eight groups, or at most seven with one :: for the rest.
_IPV6 = (
    rf"{_HEXTET}(?::{_HEXTET}){{7}}"
    rf"|(?!(?::*[0-9a-f]++){{8}})(?:{_HEXTET}(?::{_HEXTET})*+)?::(?:{_HEXTET}(?::{_HEXTET})*+)?"
)


def truncate_address(column: str, mode: AddressMode = "truncate") -> str:
    """SQL of what may be stored of the address in `column`; null where it is none.

    `truncate`: the first address of the network; `none`: the column as sent; `drop`: null.
    """
    if mode == "none":
        return column
    if mode == "drop":
        return "CAST(NULL AS string)"
    # Most are plain IPv4: one look, one replacement.
    return (
        f"CASE WHEN {column} RLIKE r'^{_IPV4}$' THEN regexp_replace({column}, '[0-9]+$', '0') "
        f"WHEN {column} IS NOT NULL THEN {_truncate_other(column)} END"
    )


def _truncate_other(column: str) -> str:
    """IPv4 with a port or in IPv6's clothes, and IPv6; the lambdas only name what is used twice."""
    trimmed = f"lower(trim(left({column}, 100)))"
    # Port, brackets and zone: [fe80::1%eth0]:443
    bare = (
        f"CASE WHEN {trimmed} LIKE '[%' "
        rf"THEN regexp_extract({trimmed}, r'^\[([^\[\]%]*)(?:%[\w.~-]+)?\]{_PORT}$', 1) "
        rf"ELSE regexp_extract({trimmed}, "
        rf"r'^({_IPV4}(?={_PORT}$)|[0-9a-f:.]*(?=(?:%[\w.~-]+)?$))', 1) END"
    )
    octets = ", ".join(
        f"pmod(shiftright(int(conv(regexp_extract(s, r'^{_MAPPED}({_HEXTET}):', 1), 16, 10)), "
        f"{shift}), 256)"
        for shift in (8, 0)
    )
    return f"""transform(array({bare}), s -> CASE
        WHEN s RLIKE r'^(?:{_MAPPED})?{_IPV4}$'
            THEN concat(regexp_extract(s, r'([0-9]+\\.[0-9]+\\.[0-9]+)\\.[0-9]+$', 1), '.0')
        WHEN s RLIKE r'^{_MAPPED}{_HEXTET}:{_HEXTET}$' THEN concat_ws('.', {octets},
            pmod(shiftright(int(conv(substring_index(s, ':', -1), 16, 10)), 8), 256), '0')
        ELSE {_truncate_ipv6("s")} END)[0]"""


def _truncate_ipv6(address: str) -> str:
    # An IPv4 address at the end (64:ff9b::192.0.2.1) stands for two groups beyond the first three.
    hexadecimal = rf"regexp_replace({address}, r'(?<=:){_IPV4}$', '0:0')"
    zeros = "repeat('0:', 8 - size(filter(split(h, ':'), g -> g <> '')))"
    groups = f"filter(split(replace(h, '::', concat(':', {zeros})), ':'), g -> g <> '')"
    first = f"transform(slice({groups}, 1, 3), g -> regexp_replace(g, '^0+(?=.)', ''))"
    short = f"regexp_replace(array_join({first}, ':'), '(?:^|:)0(?::0)*$', '')"
    network = f"CASE WHEN h RLIKE r'^(?:{_IPV6})$' THEN concat({short}, '::') END"
    return f"transform(array({hexadecimal}), h -> {network})[0]"
