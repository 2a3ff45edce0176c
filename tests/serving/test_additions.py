"""What a table's commits have added, and when that is not all they did."""

from __future__ import annotations

from typing import Any

import pytest

from serving.additions import AddedFile, Additions, find_added

Action = dict[str, Any]
INFO: Action = {"commitInfo": {"operation": "WRITE"}}
TXN: Action = {"txn": {"appId": "a", "version": 1}}


def add(path: str, **more: Any) -> Action:
    return {"add": {"path": path, "size": 7, "dataChange": True, **more}}


def remove(path: str, *, is_change: bool) -> Action:
    return {"remove": {"path": path, "dataChange": is_change}}


FOLD: Action = {"commitInfo": {"userMetadata": '{"folded": true}'}}
COMPACTED: list[Action] = [remove("old", is_change=False), add("new", dataChange=False), INFO]


@pytest.mark.parametrize(
    ("actions", "added"),
    [
        ([INFO, TXN], []),
        ([INFO, add("a"), add("b"), TXN], ["a", "b"]),
        (COMPACTED, []),
        ([*COMPACTED, add("a")], ["a"]),
        ([remove("old", is_change=True), add("new"), FOLD], []),
    ],
)
def test_what_was_added(actions: list[Action], added: list[str]) -> None:
    assert find_added(3, actions) == [AddedFile(path, 7, 3) for path in added]


@pytest.mark.parametrize(
    "actions",
    [
        [],
        [INFO, remove("old", is_change=True)],
        [add("a"), remove("old", is_change=True)],
        [{"remove": {"path": "old"}}],
        [remove("old", is_change=True), add("new"), {"commitInfo": {"userMetadata": "[1]"}}],
        [add("a", deletionVector={"storageType": "u"})],
        [add("a"), {"metaData": {"id": "x"}}],
        [{"protocol": {"minReaderVersion": 3}}],
        [{"somethingNew": {}}],
    ],
)
def test_what_does_more_than_add(actions: list[Action]) -> None:
    assert find_added(3, actions) is None


def test_versions_are_followed_until_one_is_rewritten() -> None:
    log = {4: [add("a")], 5: COMPACTED, 6: [add("b"), add("c")], 7: [remove("a", is_change=True)]}
    read: list[int] = []

    def read_commit(name: str, version: int) -> list[Action]:
        assert name == "gold.pages"
        read.append(version)
        return log.get(version, [])

    additions = Additions("gold.pages", 3, read_commit)

    def find(version: int) -> list[str] | None:
        found = additions.find(version)
        return None if found is None else [file.path for file in found]

    assert find(3) == []
    assert find(6) == ["a", "b", "c"]
    assert find(4) == find(5) == ["a"]
    assert find(9) is None
    assert find(7) is None
    assert find(6) == ["a", "b", "c"]
    assert read == [4, 5, 6, 7]
