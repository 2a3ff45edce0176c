"""Make the packaged geo database: from Debian's `tor-geoipdb` to one compressed numpy file.

    apt-get download tor-geoipdb && dpkg-deb --extract tor-geoipdb_*.deb tor-geoipdb
    python -m scripts.make_geo_asset tor-geoipdb/usr/share/tor streaming/enrichment/data

The same input gives the same bytes. `streaming/enrichment/geo.py` reads the result, and
`streaming/enrichment/data/README.md` tells its date and licence: bring it up to date as well.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from pathlib import Path

import numpy as np

from streaming.enrichment.addresses import END_IPV6_KEY, FIRST_IPV6_KEY

OUTPUT = "geo-country.npz"
LICENCE = "CC BY-SA 4.0"
# ISO 3166-1 alpha-2, as of 2026. What the source has beside these (EU, AP, ...) is no country.
_COUNTRIES = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR
    BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ
    EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW
    GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY
    KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV
    MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY
    QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG
    TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM
    ZW
"""
COUNTRIES = frozenset(_COUNTRIES.split())
ALIASES = {"UK": "GB"}
UNKNOWN = ""

Range = tuple[int, int, str]  # first and last address, country


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the packaged geo database.")
    parser.add_argument("source", type=Path, help="folder with the files geoip and geoip6")
    parser.add_argument("target", type=Path, help=f"folder to write {OUTPUT} into")
    arguments = parser.parse_args()
    made = make_asset(arguments.source, arguments.target)
    sys.stdout.write(f"{made}: {made.stat().st_size} bytes\n")


def make_asset(source: Path, target: Path) -> Path:
    """Write the asset of the two source files into the folder `target`.

    Raises ValueError where the source is not what it should be.
    """
    lines = {name: (source / name).read_text("utf-8").splitlines() for name in ("geoip", "geoip6")}
    headers = [read_header(content) for content in lines.values()]
    if headers[0] != headers[1]:
        raise ValueError(f"geoip and geoip6 are not of the same export: {headers}")
    steps = make_steps(read_ranges(lines["geoip"]), read_ranges(lines["geoip6"]))
    names = sorted({country for _, country in steps} | {UNKNOWN})
    starts = np.array([start for start, _ in steps], dtype=np.int64)
    path = target / OUTPUT
    # Distances compress to half of what the starts themselves do.
    np.savez_compressed(
        path,
        distances=np.diff(starts, prepend=np.int64(0)),
        country_indexes=np.array([names.index(country) for _, country in steps], dtype=np.uint8),
        countries=np.array(names, dtype="U2"),
        metadata=np.array(json.dumps(headers[0])),
    )
    return path


def read_header(lines: Iterable[str]) -> dict[str, str]:
    """Name, date, licence and origin, from the comments of a source file."""
    pairs = (line.lstrip("# ").partition(":") for line in lines if line.startswith("#"))
    fields = {name: value.strip() for name, separator, value in pairs if separator}
    if fields.get("License") != LICENCE:
        raise ValueError(f"the licence is not {LICENCE}, but {fields.get('License')!r}")
    return {
        "name": "ipfire-location",
        "date": parsedate_to_datetime(fields["Generated"]).date().isoformat(),
        "licence": LICENCE,
        "attribution": f"{fields['Vendor']}, location.ipfire.org, by way of tor-geoipdb; changed",
    }


def read_ranges(lines: Iterable[str]) -> Iterator[Range]:
    """The ranges of a source file, which must be in order and apart."""
    last_end = -1
    for line in lines:
        if not line or line.startswith("#"):
            continue
        first, last, country = line.split(",")
        start, end = (
            int(text) if text.isdigit() else int(ip_address(text)) for text in (first, last)
        )
        if not last_end < start <= end:
            raise ValueError(f"not in order, or overlapping: {line}")
        last_end = end
        country = ALIASES.get(country, country)
        yield start, end, country if country in COUNTRIES else UNKNOWN


def _read_number(text: str) -> int:
    """IPv4 is written as one number in the source, IPv6 as usual."""
    return int(text) if text.isdigit() else int(ip_address(text))


def make_steps(ipv4: Iterable[Range], ipv6: Iterable[Range]) -> list[tuple[int, str]]:
    """The keys (see `streaming/enrichment/addresses.py`) at which the country changes, ascending.

    A /64 that is split counts as its first address.
    """
    edges = [(0, UNKNOWN)]
    for start, end, country in ipv4:
        edges += [(start, country), (end + 1, UNKNOWN)]
    for start, end, country in ipv6:
        first, after = (-(-address >> 64) for address in (start, end + 1))  # rounded up
        if first >= FIRST_IPV6_KEY and after <= END_IPV6_KEY:
            edges += [(first, country), (after, UNKNOWN)]
    steps: list[tuple[int, str]] = []
    for key, country in edges:
        # Where one range starts at the end of another, or is less than a /64, the last one counts.
        while steps and steps[-1][0] == key:
            steps.pop()
        if not steps or steps[-1][1] != country:
            steps.append((key, country))
    return steps


if __name__ == "__main__":
    main()
