"""Where an address is: from `ip_address` to country and city, with the database that says so.

The packaged database knows countries (`data/README.md`); a `.mmdb` file that `geo.database` names
may know cities. Either is opened once per Python worker process.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from importlib import resources
from io import BytesIO
from itertools import islice
from zipfile import BadZipFile

import maxminddb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column
from pyspark.sql.pandas.functions import arrow_udf

from streaming.enrichment.addresses import NO_ADDRESS, read_address, to_address

PLACE_DDL = "country string, city string, geo_database string"
_ASSET = "geo-country.npz"
_MEMO_SIZE = 65_536
# A database of places names a country within its first few records.
_PROBED_RECORDS = 1_000

Keys = NDArray[np.int64]
Place = tuple[str | None, str | None]  # country, city


class GeoDatabaseError(Exception):
    """The database cannot be used; the message names the setting, the file and the remedy."""


@dataclass(frozen=True)
class GeoDatabase:
    """An open database: its name and date, and countries and cities by address key."""

    label: str
    find: Callable[[Keys], tuple[pa.Array, pa.Array]]


def check_database(database: str | None) -> str:
    """Name and date of the database that will be used; None is the packaged one.

    Raises GeoDatabaseError.
    """
    return open_database(database).label


def locate_addresses(database: str | None) -> Callable[[Column], Column]:
    """Make the function from a column of addresses to a struct of `PLACE_DDL`.

    database: a .mmdb file, at the same path on every node; None is the packaged one. The struct is
    never null; its fields are where the text holds no public address.
    """

    def locate(addresses: pa.Array) -> pa.Array:
        return find_places(addresses, open_database(database))

    # The stub wants the kind of function as well; Spark infers it, and warns where it is given.
    return arrow_udf(locate, PLACE_DDL)  # type: ignore[call-overload, no-any-return]  # see above


def find_places(addresses: pa.Array, database: GeoDatabase) -> pa.StructArray:
    """The places of a batch: each distinct text is read and looked up once."""
    encoded = addresses.dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    keys = np.array([read_address(text) for text in texts], dtype=np.int64)
    labels = [None if key == NO_ADDRESS else database.label for key in keys]
    columns = (*database.find(keys), pa.array(labels, pa.string()))
    names = ["country", "city", "geo_database"]
    return pa.StructArray.from_arrays([column.take(encoded.indices) for column in columns], names)


@cache
def open_database(database: str | None) -> GeoDatabase:
    """Open it, once per process.

    Raises GeoDatabaseError.
    """
    return _open_packaged() if database is None else _open_mmdb(database)


def _open_packaged() -> GeoDatabase:
    try:
        # Not by path: on executors the package is inside a zip.
        asset = resources.files("streaming.enrichment").joinpath("data", _ASSET).read_bytes()
        with np.load(BytesIO(asset), allow_pickle=False) as arrays:
            starts = np.cumsum(arrays["distances"])
            country_indexes = arrays["country_indexes"]
            countries = pa.array([str(name) or None for name in arrays["countries"]], pa.string())
            metadata = json.loads(str(arrays["metadata"]))
    except (OSError, KeyError, ValueError, BadZipFile) as error:
        raise GeoDatabaseError(
            f"geo.database: the packaged database data/{_ASSET} is missing or broken ({error!r}); "
            "install the product again, or name a .mmdb file"
        ) from error

    def find(keys: Keys) -> tuple[pa.Array, pa.Array]:
        steps = np.searchsorted(starts, keys, side="right") - 1
        indexes = pa.array(country_indexes[steps], mask=keys == NO_ADDRESS)
        return countries.take(indexes), pa.nulls(len(keys), pa.string())

    return GeoDatabase(f"{metadata['name']} {metadata['date']}", find)


def _open_mmdb(path: str) -> GeoDatabase:
    try:
        reader = maxminddb.open_database(path)
        has_countries = any(_read_place(record)[0] for _, record in islice(reader, _PROBED_RECORDS))
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise GeoDatabaseError(
            f"geo.database: {path} cannot be read as a MaxMind database ({error}); name a .mmdb "
            "file that is there on every node, or leave the setting out for the packaged database"
        ) from error
    kind = reader.metadata().database_type
    if not has_countries:
        raise GeoDatabaseError(
            f"geo.database: {path} ({kind}) holds no country.iso_code; name a country or city "
            "database in the GeoLite2 or DB-IP schema"
        )
    date = datetime.fromtimestamp(reader.metadata().build_epoch, UTC).date()
    has_ipv6 = reader.metadata().ip_version == 6

    @lru_cache(_MEMO_SIZE)
    def look_up(key: int) -> Place:
        address = to_address(key)
        if address.version == 6 and not has_ipv6:
            return None, None
        return _read_place(reader.get(address))

    def find(keys: Keys) -> tuple[pa.Array, pa.Array]:
        places = [(None, None) if key == NO_ADDRESS else look_up(key) for key in keys.tolist()]
        countries = pa.array([country for country, _ in places], pa.string())
        return countries, pa.array([city for _, city in places], pa.string())

    return GeoDatabase(f"{kind} {date.isoformat()}", find)


def _read_place(record: object) -> Place:
    return _dig(record, "country", "iso_code"), _dig(record, "city", "names", "en")


def _dig(record: object, *keys: str) -> str | None:
    """The text at the end of the keys; None where one is missing or something else."""
    for key in keys:
        record = record.get(key) if isinstance(record, dict) else None
    return record if isinstance(record, str) else None
