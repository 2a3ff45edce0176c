"""What is stored of an address: against cases, and against Python's own reading of addresses."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from schemas.privacy import AddressMode
from streaming.enrichment.address_storage import truncate_address

_CASES: dict[str, str | None] = {
    "192.0.2.17": "192.0.2.0",
    "0.0.0.0": "0.0.0.0",
    "255.255.255.255": "255.255.255.0",
    " 192.0.2.17 ": "192.0.2.0",
    "192.0.2.17:8080": "192.0.2.0",
    "2001:db8:1:2:3:4:5:6": "2001:db8:1::",
    "2001:0DB8:0001:0002:0003:0004:0005:0006": "2001:db8:1::",
    "2001:db8::1": "2001:db8::",
    "2001:db8:0:1::": "2001:db8::",
    "2001:db8:1::": "2001:db8:1::",
    "2001::1": "2001::",
    "::1": "::",
    "::": "::",
    "::2:3:4:5:6:7:8": "0:2:3::",
    "1:2:3:4:5:6:7::": "1:2:3::",
    "1::3:4:5:6:7:8": "1:0:3::",
    "[2001:db8:1::5]": "2001:db8:1::",
    "[2001:db8:1::5]:443": "2001:db8:1::",
    "fe80::1%eth0": "fe80::",
    "[fe80::1%25eth0]:443": "fe80::",
    "::ffff:192.0.2.17": "192.0.2.0",
    "::FFFF:192.0.2.17": "192.0.2.0",
    "[::ffff:192.0.2.17]:80": "192.0.2.0",
    "0:0:0:0:0:ffff:192.0.2.17": "192.0.2.0",
    "::ffff:c000:211": "192.0.2.0",
    "0000:0000:0000:0000:0000:ffff:c000:0211": "192.0.2.0",
    "64:ff9b::192.0.2.17": "64:ff9b::",
    "1:2:3:4:5:6:192.0.2.17": "1:2:3::",
    "": None,
    " ": None,
    "unknown": None,
    "192.0.2": None,
    "192.0.2.256": None,
    "192.0.02.1": None,
    "192.0.2.1.5": None,
    "192.0.2.1, 198.51.100.2": None,
    "192.0.2.1/24": None,
    "192.0.2.x": None,
    ":": None,
    ":::": None,
    "1::2::3": None,
    "1:2:3": None,
    "1:2:3:4:5:6:7:8:9": None,
    "1:2:3:4:5:6:7:8::": None,
    "::1:2:3:4:5:6:7:8": None,
    "12345::": None,
    "g::1": None,
    ":1:2:3:4:5:6:7:8": None,
    "[2001:db8::1": None,
    "2001:db8::1]": None,
    "::ffff:192.0.2.256": None,
    "a" * 100_000: None,
    ":" * 100_000: None,
}


def _truncate(
    spark: SparkSession, addresses: list[str], mode: AddressMode = "truncate"
) -> list[str | None]:
    frame = spark.createDataFrame([(address,) for address in addresses], "ip_address string")
    return [row[0] for row in frame.selectExpr(truncate_address("ip_address", mode)).collect()]


@pytest.fixture(scope="module")
def truncated(spark: SparkSession) -> dict[str, str | None]:
    """All cases in one job."""
    return dict(zip(_CASES, _truncate(spark, list(_CASES)), strict=True))


@pytest.mark.parametrize("address", _CASES, ids=lambda address: address[:40])
def test_an_address_is_cut_to_its_network(address: str, truncated: dict[str, str | None]) -> None:
    assert truncated[address] == _CASES[address]


def test_the_mode_says_what_is_stored(spark: SparkSession) -> None:
    sent = ["192.0.2.17", "garbage"]
    assert _truncate(spark, sent, "none") == sent
    assert _truncate(spark, sent, "drop") == [None, None]


@settings(
    max_examples=5,
    deadline=None,  # one example is a Spark job
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(st.ip_addresses(), min_size=100, max_size=300),
    st.lists(st.integers(0, 2**128 - 1).map(lambda n: IPv6Address(n & n >> 40)), min_size=50),
)
def test_it_agrees_with_the_reading_of_the_standard_library(
    spark: SparkSession, drawn: list[IPv4Address | IPv6Address], sparse: list[IPv6Address]
) -> None:
    addresses = [address for address in [*drawn, *sparse] if not _is_mapped(address)]
    written = [text for a in addresses for text in (str(a), a.exploded.upper())]
    expected = [_network(a) for a in addresses for _ in range(2)]
    assert _truncate(spark, written) == expected


def _is_mapped(address: IPv4Address | IPv6Address) -> bool:
    return isinstance(address, IPv6Address) and address.ipv4_mapped is not None


def _network(address: IPv4Address | IPv6Address) -> str:
    length = 24 if address.version == 4 else 48
    return str(ip_network((address, length), strict=False).network_address)
