"""Small files by URI: directly on a local disk, and the same through Hadoop."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from streaming import files
from streaming.files import list_names, local_path, read_text, write_text

TEXT = 'line\n{"ü": "😀"}\n'


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:/data/a b/ü%20", Path("/data/a b/ü%20")),
        ("file:///data/lake", Path("/data/lake")),
        ("/data/lake", Path("/data/lake")),
        ("data/lake", Path("data/lake")),
        ("hdfs://name:9000/data", None),
        ("s3a://bucket/data", None),
    ],
)
def test_only_file_uris_and_plain_paths_are_local(uri: str, path: Path | None) -> None:
    assert local_path(uri) == path


@pytest.fixture(params=["local", "hadoop"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder's URI; in the second round no path is taken for a local one."""
    if request.param == "hadoop":
        spark: SparkSession = request.getfixturevalue("spark")
        # In a test's own thread no session is active before it is used.
        assert spark.range(1).count() == 1
        monkeypatch.setattr(files, "local_path", lambda _: None)
    return f"file:{tmp_path}"


def test_a_file_is_read_as_written(root: str) -> None:
    write_text(f"{root}/deep/er/a.json", TEXT)
    assert read_text(f"{root}/deep/er/a.json") == TEXT


def test_a_file_is_replaced_and_leaves_nothing_beside_it(root: str, tmp_path: Path) -> None:
    for text in ("a longer text", TEXT, ""):
        write_text(f"{root}/a.json", text)
        assert read_text(f"{root}/a.json") == text
    assert [name for name in list_names(root) if not name.startswith(".")] == ["a.json"]
    assert not list(tmp_path.glob("*.tmp"))


def test_what_is_not_there_is_none_or_empty(root: str) -> None:
    assert read_text(f"{root}/nowhere/a.json") is None
    assert list_names(f"{root}/nowhere") == []


def test_names_are_sorted_and_hold_folders_too(root: str) -> None:
    for name in ("b", "a/c", "ü ü"):
        write_text(f"{root}/{name}", TEXT)
    assert [name for name in list_names(root) if not name.startswith(".")] == ["a", "b", "ü ü"]
