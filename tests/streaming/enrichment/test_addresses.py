"""Client addresses: what of all that clients and proxies send is a public address."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.enrichment.addresses import (
    FIRST_IPV6_KEY,
    NO_ADDRESS,
    key_range,
    read_address,
    to_address,
)

# Text -> the address in it.
PUBLIC = {
    "1.2.3.4": "1.2.3.4",
    " 1.2.3.4 ": "1.2.3.4",
    "1.2.3.4:5678": "1.2.3.4",
    "::ffff:1.2.3.4": "1.2.3.4",
    "::FFFF:102:304": "1.2.3.4",
    "[::ffff:1.2.3.4]:80": "1.2.3.4",
    "223.255.255.255": "223.255.255.255",
    "2a02:2e0:3fe:1001:302::": "2a02:2e0:3fe:1001::",
    "2A02:02E0:03FE:1001:0302::1": "2a02:2e0:3fe:1001::",
    "[2a02:2e0::1]": "2a02:2e0::",
    "[2a02:2e0::1]:443": "2a02:2e0::",
    '"[2a02:2e0::1%25eth0]:443"': "2a02:2e0::",
    "2a02:2e0::1%eth0": "2a02:2e0::",
    "2001:200::1": "2001:200::",
    "10.0.0.1, 1.2.3.4, 5.6.7.8": "1.2.3.4",
    "unknown,fe80::1, [2a02:2e0::1]:1,1.2.3.4": "2a02:2e0::",
    "1.2.3.4, unknown": "1.2.3.4",
}
NONE = [
    None,
    "",
    ",",
    " , ",
    "unknown",
    "localhost",
    "1.2.3",
    "1.2.3.4.5",
    "256.1.1.1",
    "01.2.3.4",
    "0x1.2.3.4",
    "16909060",
    "1.2.3.4/24",
    "1.2.3.4\0",
    "\u0661.2.3.4",
    "1:2",
    ":::",
    "[",
    "[]:80",
    "2a02:2e0::12345",
    # Not public.
    "0.0.0.0",
    "10.255.255.255",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.1.1",
    "172.31.255.255",
    "192.168.0.1:80",
    "192.0.2.1",
    "198.19.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::ffff:10.0.0.1",
    "::",
    "::1",
    "fe80::1%eth0",
    "fd00::1",
    "ff02::1",
    "2001::1",
    "2001:db8::1",
    "2002:102:304::1",
    "10.0.0.1, 192.168.0.1",
    # Its upper half is the number of 8.8.8.8, but no such network is public.
    "0:0:808:808::1",
    "1.2.3.4," * 1_000,
]


@pytest.mark.parametrize(("text", "address"), PUBLIC.items())
def test_public_address_is_read(text: str, address: str) -> None:
    assert to_address(read_address(text)) == ip_address(address)


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_public_address_has_no_key(text: str | None) -> None:
    assert read_address(text) == NO_ADDRESS


@given(st.text() | st.text(alphabet="0123456789abcdef:.,[]% "))
def test_any_text_is_read(text: str) -> None:
    assert NO_ADDRESS <= read_address(text) < 2**63


@given(st.ip_addresses())
def test_own_standard_library_knows_no_private_address_as_public(address: object) -> None:
    key = read_address(str(address))
    if key != NO_ADDRESS:
        assert to_address(key).is_global


def test_families_do_not_meet() -> None:
    assert read_address("223.255.255.255") < 2**32 <= FIRST_IPV6_KEY == read_address("2000::")


def test_networks_become_ranges_of_keys() -> None:
    assert key_range(ip_network("1.2.3.0/24")) == (0x01020300, 0x01020400)
    assert key_range(ip_network("2a02::/32")) == (0x2A02 << 48, (0x2A02 << 48) + 2**32)
    # A part of a /64 is all of it.
    assert key_range(ip_network("2a02::8/125")) == (0x2A02 << 48, (0x2A02 << 48) + 1)
    assert key_range(ip_network("::/0")) == (0x2000 << 48, 0x4000 << 48)
    start, end = key_range(ip_network("fd00::/8"))
    assert start == end
