"""The packaged data where the code comes out of a zip, as it does on the executors of a cluster."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

from streaming.enrichment.geo import open_database

ROOT = Path(__file__).resolve().parents[3]
# From a process with nothing but the zip on its path.
PROGRAM = """
import streaming
from streaming.enrichment.geo import open_database
from streaming.enrichment.referrers import Known, make_finder

assert ".zip" in streaming.__file__, streaming.__file__
print(make_finder(Known(places=(), apps=(), click_ids=()))("//www.google.com").source)
print(open_database(None).label)
"""


def test_lists_and_databases_are_read_out_of_the_zip(tmp_path: Path) -> None:
    archive = tmp_path / "web_analytics.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        for package in ("settings", "schemas", "streaming"):
            for file in sorted((ROOT / package).rglob("*")):
                if file.suffix == ".py" or file.parent.name == "data":
                    zipped.write(file, file.relative_to(ROOT))

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONPATH": str(archive)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    source, database = done.stdout.splitlines()
    assert source == "google"
    assert database == open_database(None).label
