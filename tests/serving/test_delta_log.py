"""Following a table's commits, with commit files written by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from serving.delta_log import LocalFiles, TableLog, local_path


class CountingFiles(LocalFiles):
    """Counts what costs time."""

    def __init__(self) -> None:
        self.read = 0

    def read_lines(self, path: str):
        self.read += 1
        return super().read_lines(path)


def commit(table: Path, version: int, said: object = None, id_: str = "first") -> None:
    info = {"timestamp": 1, "operation": "WRITE", "txnId": f"{id_}-{version}"}
    if said is not None:
        info["userMetadata"] = said if isinstance(said, str) else json.dumps(said)
    log = table / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"commitInfo": info}), json.dumps({"add": {"path": "x"}})]
    (log / f"{version:020d}.json").write_text("\n".join(lines))


def test_table_that_is_not_there_yet(tmp_path: Path) -> None:
    log = TableLog(str(tmp_path), LocalFiles())
    assert log.refresh() is None
    commit(tmp_path, 0)
    state = log.refresh()
    assert state is not None
    assert (state.version, state.commit_id, state.said) == (0, "first-0", {})


def test_new_versions_are_found_and_what_was_said_last_is_kept(tmp_path: Path) -> None:
    commit(tmp_path, 0, {"as_of": "a"})
    log = TableLog(str(tmp_path), LocalFiles())
    log.refresh()
    commit(tmp_path, 1, {"as_of": "b"})
    commit(tmp_path, 2)
    state = log.refresh()
    assert state is not None
    assert (state.version, state.said) == (2, {"as_of": "b"})


def test_start_looks_behind_maintenance(tmp_path: Path) -> None:
    commit(tmp_path, 7, {"as_of": "b"})
    for version in (8, 9, 10):
        commit(tmp_path, version)
    state = TableLog(str(tmp_path), LocalFiles()).refresh()
    assert state is not None
    assert (state.version, state.said) == (10, {"as_of": "b"})


def test_unchanged_table_is_not_read_again(tmp_path: Path) -> None:
    commit(tmp_path, 0)
    files = CountingFiles()
    log = TableLog(str(tmp_path), files)
    first = log.refresh()
    read = files.read
    assert log.refresh() is first
    assert files.read == read


def test_another_history_under_the_same_versions_is_noticed(tmp_path: Path) -> None:
    commit(tmp_path, 0)
    commit(tmp_path, 1)
    log = TableLog(str(tmp_path), LocalFiles())
    before = log.refresh()
    (tmp_path / "_delta_log" / f"{1:020d}.json").unlink()
    after = log.refresh()
    assert before is not None
    assert after is not None
    assert (after.version, after.generation) == (0, 1)
    other = tmp_path / "other"
    commit(other, 1, id_="second")
    (other / "_delta_log" / f"{1:020d}.json").rename(tmp_path / "_delta_log" / f"{1:020d}.json")
    again = log.refresh()
    assert again is not None
    assert again.version == before.version
    assert again.commit_id != before.commit_id


@pytest.mark.parametrize("said", ["no json", "[1]", '{"as_of": 5}', "null"])
def test_user_metadata_of_others_says_nothing(tmp_path: Path, said: str) -> None:
    commit(tmp_path, 0, said)
    state = TableLog(str(tmp_path), LocalFiles()).refresh()
    assert state is not None
    assert state.said == {}


def test_local_paths() -> None:
    assert local_path("file:///a b%20c/lake") == "/a b%20c/lake"
    assert local_path("file:/a/lake") == "/a/lake"
    assert local_path("/a/lake") == "/a/lake"
    assert local_path("hdfs:///lake") is None
