"""The packaged geo database: what is in it, and the script that makes it."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from scripts.make_geo_asset import COUNTRIES, make_asset
from streaming.enrichment.addresses import END_IPV6_KEY, FIRST_IPV6_KEY
from streaming.enrichment.geo import check_database

README = Path(__file__).resolve().parents[3] / "streaming/enrichment/data/README.md"
HEADER = """\
# Location Database Export
#
# Generated: Thu, 25 Jun 2026 04:33:59 GMT
# Vendor:    IPFire Project
# License:   CC BY-SA 4.0
#
"""
IPV4 = """\
335544320,335609855,DE
335609856,335675391,DE
335675392,335740927,UK
335806464,335871999,EU
"""
IPV6 = """\
::808:0:0:0,::808:ffff:ffff:ffff:ffff,US
2a02::,2a02::ffff:ffff:ffff:ffff,FR
2a02:0:0:1::,2a02:0:0:1::7,JP
2a02:0:0:1::8,2a02:0:0:1:ffff:ffff:ffff:ffff,CH
fd00::,fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff,??
"""


def test_packaged_database_is_well_formed() -> None:
    asset = resources.files("streaming.enrichment").joinpath("data", "geo-country.npz")
    with asset.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        distances, indexes = arrays["distances"], arrays["country_indexes"]
        countries = arrays["countries"].tolist()
        metadata = json.loads(str(arrays["metadata"]))
    starts = np.cumsum(distances)
    assert starts[0] == 0
    assert (distances[1:] > 0).all()
    assert (indexes[1:] != indexes[:-1]).all(), "neighbours of one country are one step"
    assert len(starts) == len(indexes) > 500_000
    assert not ((starts > 2**32) & (starts < FIRST_IPV6_KEY)).any()
    assert starts[-1] < END_IPV6_KEY
    assert set(countries) - {""} <= COUNTRIES
    assert len(countries) > 240
    last_ipv4 = np.searchsorted(starts, 2**32, side="right") - 1
    assert countries[indexes[last_ipv4]] == "", "IPv4 ends before IPv6 begins"
    assert metadata["licence"] == "CC BY-SA 4.0"
    assert metadata["attribution"].startswith("IPFire Project")


def test_readme_beside_it_tells_its_date_and_licence() -> None:
    readme = README.read_text("utf-8")
    assert check_database(None).split()[1] in readme
    assert "CC BY-SA 4.0" in readme


def _write_source(folder: Path, ipv4: str = IPV4, ipv6: str = IPV6, header: str = HEADER) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "geoip").write_text(header + ipv4)
    (folder / "geoip6").write_text(header + ipv6)
    return folder


def test_script_merges_ranges_and_drops_what_is_no_country(tmp_path: Path) -> None:
    made = make_asset(_write_source(tmp_path / "source"), tmp_path)
    with np.load(made, allow_pickle=False) as arrays:
        countries = arrays["countries"].tolist()
        steps = {
            int(start): countries[index]
            for start, index in zip(
                np.cumsum(arrays["distances"]), arrays["country_indexes"], strict=True
            )
        }
    network = 0x2A02 << 48
    assert steps == {
        0: "",
        20 << 24: "DE",
        (20 << 24) + (2 << 16): "GB",
        (20 << 24) + (3 << 16): "",
        network: "FR",
        network + 1: "JP",  # a /64 that is split counts as its first address
        network + 2: "",
    }


def test_script_makes_the_same_bytes_again(tmp_path: Path) -> None:
    source = _write_source(tmp_path / "source")
    first = make_asset(source, tmp_path).read_bytes()
    (tmp_path / "geo-country.npz").unlink()
    assert make_asset(source, tmp_path).read_bytes() == first


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"ipv4": "20,30,DE\n30,40,FR\n"}, "overlapping: 30,40,FR"),
        ({"ipv4": "30,40,DE\n10,20,FR\n"}, "not in order"),
        ({"ipv4": "40,30,DE\n"}, "not in order"),
        ({"header": HEADER.replace("CC BY-SA 4.0", "secret")}, "licence"),
    ],
)
def test_script_refuses_another_source(
    tmp_path: Path, change: dict[str, str], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        make_asset(_write_source(tmp_path / "source", **change), tmp_path)
