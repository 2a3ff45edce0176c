"""Addresses to places: with the packaged database, and with files of the user's own."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from streaming.enrichment.geo import (
    GeoDatabaseError,
    check_database,
    find_places,
    locate_addresses,
    open_database,
)
from tests.streaming.enrichment.mmdb import make_mmdb

ROOT = Path(__file__).resolve().parents[3]
PACKAGED = "ipfire-location 2026-06-25"
NOWHERE = {"country": None, "city": None, "geo_database": None}

# Networks of universities, carriers and registries, which stay where they are.
KNOWN = {
    "8.8.8.8": "US",
    "2001:4860:4860::8888": "US",
    "193.99.144.80": "DE",
    "2a02:2e0:3fe:1001:302::": "DE",
    "133.11.0.1": "JP",
    "2001:200:dff:fff1:216:3eff:feb1:44d7": "JP",
    "200.160.2.3": "BR",
    "2001:12ff:0:2::3": "BR",
    "194.254.1.1": "FR",
    "2001:660:7301:50::1": "FR",
    "130.89.148.14": "NL",
    "2001:610:1:800a:192:87:106:106": "NL",
    "129.132.1.1": "CH",
    "2001:67c:10ec::1": "CH",
    "212.58.224.1": "GB",
    "164.100.1.1": "IN",
    "::ffff:193.99.144.80": "DE",
    "[2a02:2e0::1]:443": "DE",
    "193.99.144.80:80": "DE",
    "10.0.0.1, 193.99.144.80, 8.8.8.8": "DE",
}
BERLIN = {"country": {"iso_code": "DE"}, "city": {"names": {"de": "Berlin", "en": "Berlin"}}}
MUNICH = {"country": {"iso_code": "DE"}, "city": {"names": {"de": "München", "en": "Munich"}}}
RECORDS: dict[str, Any] = {
    "20.1.0.0/16": BERLIN,
    "20.2.0.0/16": {"country": {"iso_code": "FR"}},
    "20.3.0.0/16": {"continent": {"code": "EU"}},
    "20.4.0.0/16": {"country": "flat", "city": {"names": "Nowhere"}},
    "2a02::/32": MUNICH,
}


def _find(texts: list[str | None], database: str | None = None) -> list[dict[str, str | None]]:
    places = find_places(pa.array(texts, pa.string()), open_database(database))
    return list(places.to_pylist())


def _write(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


@pytest.fixture(scope="module")
def mmdb(tmp_path_factory: pytest.TempPathFactory) -> str:
    content = make_mmdb(RECORDS, kind="GeoLite2-City")
    return _write(tmp_path_factory.mktemp("geo") / "city.mmdb", content)


def test_packaged_database_knows_known_addresses() -> None:
    places = _find(list(KNOWN))
    assert {text: place["country"] for text, place in zip(KNOWN, places, strict=True)} == KNOWN
    assert {place["geo_database"] for place in places} == {PACKAGED}
    assert {place["city"] for place in places} == {None}


def test_what_is_no_public_address_is_nowhere() -> None:
    texts = [None, "", "garbage", "10.0.0.1", "::1", "fd00::1", "0:0:808:808::"]
    assert _find(texts) == [NOWHERE] * len(texts)
    assert _find([]) == []


def test_repeated_addresses_keep_their_rows() -> None:
    countries = [place["country"] for place in _find(["8.8.8.8", None, "133.11.0.1", "8.8.8.8"])]
    assert countries == ["US", None, "JP", "US"]


def test_cities_come_from_a_file(mmdb: str) -> None:
    label = "GeoLite2-City 2025-06-15"
    assert check_database(mmdb) == label
    texts: list[str | None] = ["20.1.2.3", "20.2.0.0", "[2a02::1]:80", "20.3.0.1", "20.4.0.1"]
    assert _find([*texts, "20.5.0.0", "10.0.0.1"], mmdb) == [
        {"country": "DE", "city": "Berlin", "geo_database": label},
        {"country": "FR", "city": None, "geo_database": label},
        {"country": "DE", "city": "Munich", "geo_database": label},
        # Records without a country, of another schema, and none.
        *[{"country": None, "city": None, "geo_database": label}] * 3,
        NOWHERE,
    ]


def test_file_of_ipv4_only(tmp_path: Path) -> None:
    records = {"20.1.0.0/16": BERLIN}
    file = _write(tmp_path / "ipv4.mmdb", make_mmdb(records, version=4))
    cities = [place["city"] for place in _find(["20.1.0.1", "2a02::1"], file)]
    assert cities == ["Berlin", None]


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        (None, "No such file"),
        (b"", "packaged database"),
        (b"not a database", "packaged database"),
        (make_mmdb(RECORDS)[:-40], "packaged database"),
        (make_mmdb({"20.1.0.0/16": {"organization": "Example"}}, kind="ASN"), "ASN.* no country"),
    ],
    ids=["absent", "empty", "other", "cut", "without countries"],
)
def test_unusable_file_is_refused(tmp_path: Path, content: bytes | None, remedy: str) -> None:
    path = tmp_path / "places.mmdb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(GeoDatabaseError, match=rf"geo\.database: .*places\.mmdb.*{remedy}"):
        check_database(str(path))


def test_column_function(spark: SparkSession, mmdb: str) -> None:
    rows = spark.createDataFrame(
        [("20.1.2.3",), ("8.8.8.8",), (None,), ("garbage",), ("2a02::1",)], "ip_address string"
    )
    located = rows.select(
        locate_addresses(mmdb)(F.col("ip_address")).alias("own"),
        locate_addresses(None)(F.col("ip_address")).alias("packaged"),
    ).collect()
    own = ["DE", None, None, None, "DE"]
    assert [row.own.country for row in located] == own
    assert [row.own.city for row in located] == ["Berlin", None, None, None, "Munich"]
    assert [row.packaged.country for row in located][1:4] == ["US", None, None]
    assert located[1].packaged.geo_database == PACKAGED


def test_packaged_database_is_read_from_a_zip(tmp_path: Path) -> None:
    """As on executors, to which spark-submit sends the packages in one archive."""
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        for file in [ROOT / "streaming/__init__.py", *(ROOT / "streaming/enrichment").rglob("*")]:
            if file.is_file():
                archive.write(file, file.relative_to(ROOT))
    code = (
        "import streaming.enrichment.geo as geo\n"
        "assert 'app.zip' in geo.__file__, geo.__file__\n"
        "print(geo.check_database(None))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "app.zip")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.returncode) == (PACKAGED, 0), done.stderr
