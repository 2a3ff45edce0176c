"""API keys: made, recognised, and read again when their file changed."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from serving.key_file import KeyFile, UnreadableKeys, read_keys
from serving.keys import KeyList, KeyRecord, find_key, make_key, parse_id

NOW = datetime(2026, 1, 10, tzinfo=UTC)
DAY = timedelta(days=1)


def write(path: Path, *records: KeyRecord) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(KeyList(keys=records).model_dump_json())
    draft.replace(path)


def test_a_key_is_known_by_its_hash_alone() -> None:
    record, key = make_key("a", NOW, scopes=["query", "metrics"], sites=["shop"])
    assert key.startswith(f"wa_{record.id}_")
    assert key.isascii()
    assert len(key.split("_", 2)[2]) == 43  # 32 bytes as base64
    assert record.sha256 == hashlib.sha256(key.encode()).hexdigest()
    assert key.split("_", 2)[2] not in record.model_dump_json()
    assert find_key({record.id: record}, key, NOW) == record


def test_no_two_keys_are_alike() -> None:
    made = [make_key("a", NOW, scopes=["metrics"]) for _ in range(50)]
    assert len({key for _, key in made}) == len({record.id for record, _ in made}) == 50


@pytest.mark.parametrize(
    "spoil",
    [
        lambda key: key[:-1],
        lambda key: key + "x",
        lambda key: key.upper(),
        lambda key: key + "\n",
        lambda key: "wa_" + "0" * 10 + key[13:],
        lambda key: key[:14] + ("A" if key[14] != "A" else "B") + key[15:],
        lambda _: "",
        lambda _: "wa__",
        lambda _: "\udcff",
    ],
)
def test_nothing_else_is_that_key(spoil) -> None:
    record, key = make_key("a", NOW, scopes=["metrics"])
    assert find_key({record.id: record}, spoil(key), NOW) is None


def test_a_key_ends_when_it_expires_or_is_revoked() -> None:
    record, key = make_key("a", NOW, scopes=["metrics"], expires_at=NOW + DAY)
    almost, over = NOW + DAY - timedelta(microseconds=1), NOW + DAY
    assert find_key({record.id: record}, key, almost) == record
    assert find_key({record.id: record}, key, over) is None
    revoked = record.model_copy(update={"revoked_at": NOW})
    assert find_key({record.id: revoked}, key, NOW) is None
    assert [record.state_at(over), revoked.state_at(NOW)] == ["expired", "revoked"]


@pytest.mark.parametrize(
    "wrong",
    [{"sites": ()}, {"scopes": ()}, {"scopes": ("root",)}, {"requests_per_minute": 0}, {"x": 1}],
)
def test_a_record_that_means_nothing_is_refused(wrong: dict[str, object]) -> None:
    good = make_key("a", NOW, scopes=["metrics"])[0].model_dump()
    with pytest.raises(ValidationError):
        KeyRecord.model_validate({**good, **wrong})


def test_the_id_is_read_only_from_the_form_of_a_key() -> None:
    assert parse_id("wa_0123456789_" + "x" * 43) == "0123456789"
    assert parse_id("0123456789") is None


def test_the_file_is_read_again_when_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    file = KeyFile(path)
    assert file.current() == {}
    first, second = (make_key(name, NOW, scopes=["metrics"])[0] for name in "ab")
    write(path, first)
    assert file.current() == {first.id: first}
    assert file.current() is file.current()
    write(path, first, second)
    assert file.current().keys() == {first.id, second.id}
    path.unlink()
    assert file.current() == {}


def test_an_unreadable_file_opens_nothing_until_it_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    record, key = make_key("a", NOW, scopes=["metrics"])
    write(path, record)
    file = KeyFile(path)
    assert file.current()
    for garbage in ('{"keys": [', "[]", '{"version": 2}', '{"keys": [{"sha256": "secret"}]}', "\0"):
        path.write_text(garbage)
        os.utime(path, ns=(0, hash(garbage) % 10**15))
        with pytest.raises(UnreadableKeys) as refusal:
            file.current()
        assert "secret" not in str(refusal.value)
        with pytest.raises(UnreadableKeys):
            file.current()
    write(path, record)
    assert file.current() == {record.id: record}
    assert key not in path.read_text()


def test_a_folder_in_its_place_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UnreadableKeys, match="cannot read"):
        read_keys(tmp_path)
