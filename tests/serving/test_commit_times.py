"""When versions were committed, from listings of logs written by hand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from serving.commit_times import Commits, CommitTimes, arrange_commits
from serving.delta_log import LocalFiles, TableState

EPOCH = datetime.fromtimestamp(0, UTC)


def at(ms: float) -> datetime:
    return EPOCH + timedelta(milliseconds=ms)


def commit(version: int) -> str:
    return f"{version:020}.json"


def checkpoint(version: int, rest: str = "parquet") -> str:
    return f"{version:020}.checkpoint.{rest}"


def test_times_only_go_forward_as_delta_has_it() -> None:
    listed = [(commit(version), time) for version, time in enumerate((0, 5, 10, 7, 8, 14))]
    noise = [("_last_checkpoint", 99), (f"{3:020}.crc", 99), (".00.json.tmp", 99)]
    commits = arrange_commits([*noise, *reversed(listed)])
    assert commits == Commits(0, (0, 5, 10, 11, 12, 14), 0)
    assert [commits.time_of(version) for version in (0, 3)] == [at(0), at(11)]


@pytest.mark.parametrize(
    ("time", "version"),
    [(-1, None), (0, 0), (4, 0), (4.999, 0), (5, 1), (11, 3), (11.5, 3), (13, 4), (99, 5)],
)
def test_the_newest_version_at_or_before_a_time(time: float, version: int | None) -> None:
    commits = Commits(0, (0, 5, 10, 11, 12, 14), 0)
    assert commits.find(at(time)) == version


@pytest.mark.parametrize(
    ("names", "start", "first"),
    [
        ([commit(0), commit(1)], 0, 0),
        ([commit(7), commit(8), checkpoint(7)], 7, 7),
        # The checkpoint's own commit is gone: its time is not known, all later ones can be read.
        ([commit(8), commit(9), checkpoint(7)], 8, 8),
        ([commit(7), commit(8), commit(9), checkpoint(8, "80a0.parquet")], 7, 8),
        ([commit(7), commit(8), checkpoint(8, "0000000001.0000000001.parquet")], 7, 8),
        ([commit(7), commit(8), checkpoint(5)], 7, None),
        ([commit(7), commit(8)], 7, None),
        # Cleaning up was cut off: what lies behind the gap is no use.
        ([commit(3), commit(7), commit(8), checkpoint(3), checkpoint(8)], 7, 8),
    ],
)
def test_what_can_be_read_begins_at_a_checkpoint(
    names: list[str], start: int, first: int | None
) -> None:
    commits = arrange_commits((name, 10 * place) for place, name in enumerate(names))
    assert (commits.start, commits.first) == (start, first)


def test_a_log_without_commits_is_no_log() -> None:
    with pytest.raises(FileNotFoundError):
        arrange_commits([("_last_checkpoint", 1)])


class Listing(LocalFiles):
    """Counts its listings; version n was committed at n seconds."""

    def __init__(self, versions: int) -> None:
        self.versions = versions
        self.count = 0

    def list_times(self, folder: str) -> Iterable[tuple[str, int]]:
        assert folder == "table/_delta_log"
        self.count += 1
        return [(commit(version), 1000 * version) for version in range(self.versions)]


def test_a_time_that_is_known_to_be_over_needs_no_listing() -> None:
    files = Listing(4)
    commits = CommitTimes("table", files)
    assert commits.read(TableState(3, "a"), at(1500)).last == 3
    files.versions = 6
    assert commits.read(TableState(5, "b"), at(2999)).last == 3
    assert files.count == 1
    assert commits.read(TableState(5, "b"), at(3000)).last == 5
    assert commits.read(TableState(5, "b"), None).last == 5
    assert files.count == 2
    # Another history in the same place.
    files.versions = 2
    assert commits.read(TableState(1, "c", generation=1), at(500)).last == 1
    assert files.count == 3
