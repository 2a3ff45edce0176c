"""`web-analytics keys`: what the file holds afterwards, and what is shown of it."""

from __future__ import annotations

import json
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.key_store import change_keys
from cli.keys import app
from serving.key_file import read_keys
from serving.keys import find_key, make_key
from settings.model import Settings

pytestmark = pytest.mark.usefixtures("restored_logging")

NOW = datetime.now(UTC)


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--data-dir", str(folder)])


def run_json(folder: Path, *arguments: str) -> Any:
    result = run(folder, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def is_valid(folder: Path, key: str, at: datetime | None = None) -> bool:
    records = {record.id: record for record in read_keys(folder / "keys.json").keys}
    return find_key(records, key, at or datetime.now(UTC)) is not None


def test_create_shows_the_key_once_and_keeps_its_hash(tmp_path: Path) -> None:
    made = run_json(
        tmp_path, "create", "--name", "analyst", "--scope", "query, metrics", "--site", "shop",
        "--site", "blog", "--rate", "60", "--expires", "90d",
    )  # fmt: skip
    file = tmp_path / "keys.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert made["key"] not in file.read_text()
    assert is_valid(tmp_path, made["key"])
    assert not is_valid(tmp_path, made["key"], NOW + timedelta(days=91))
    assert made["scopes"] == ["metrics", "query"]
    assert made["sites"] == ["blog", "shop"]
    assert made["requests_per_minute"] == 60
    listed = run_json(tmp_path, "list")
    assert [(row["name"], row["state"]) for row in listed] == [("analyst", "valid")]
    assert "sha256" not in listed[0]
    assert made["key"] not in json.dumps(listed)


def test_plain_output_is_the_key_alone(tmp_path: Path) -> None:
    result = run(tmp_path, "create", "--name", "plain")
    assert is_valid(tmp_path, result.stdout.splitlines()[0])
    assert "plain" in run(tmp_path, "list").stdout


def test_defaults_are_narrow(tmp_path: Path) -> None:
    made = run_json(tmp_path, "create", "--name", "a")
    assert (made["scopes"], made["sites"], made["requests_per_minute"]) == (["metrics"], None, 600)
    unlimited = run_json(tmp_path, "create", "--name", "b", "--rate", "0")
    assert unlimited["requests_per_minute"] is None


def test_revoke_ends_a_key_at_once_and_keeps_its_record(tmp_path: Path) -> None:
    made = run_json(tmp_path, "create", "--name", "a")
    other = run_json(tmp_path, "create", "--name", "b")
    assert run_json(tmp_path, "revoke", made["id"])["state"] == "revoked"
    assert not is_valid(tmp_path, made["key"])
    assert is_valid(tmp_path, other["key"])
    assert [row["state"] for row in run_json(tmp_path, "list")] == ["revoked", "valid"]
    assert run(tmp_path, "revoke", "a").exit_code == 2


def test_rotate_overlaps(tmp_path: Path) -> None:
    old = run_json(tmp_path, "create", "--name", "a", "--site", "shop", "--rate", "7")
    new = run_json(tmp_path, "rotate", "a", "--overlap-h", "2")
    same = ("name", "scopes", "sites", "requests_per_minute", "expires_at")
    assert [new[field] for field in same] == [old[field] for field in same]
    assert new["key"] != old["key"]
    for hours, is_old_valid in ((1.9, True), (2.1, False)):
        at = datetime.now(UTC) + timedelta(hours=hours)
        assert is_valid(tmp_path, old["key"], at) == is_old_valid
        assert is_valid(tmp_path, new["key"], at)


def test_rotate_without_overlap_and_with_an_expiry(tmp_path: Path) -> None:
    old = run_json(tmp_path, "create", "--name", "a", "--expires", "10d")
    new = run_json(tmp_path, "rotate", old["id"], "--overlap-h", "0")
    assert not is_valid(tmp_path, old["key"])
    lifetime = datetime.fromisoformat(new["expires_at"]) - datetime.fromisoformat(new["created_at"])
    assert lifetime == timedelta(days=10)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["create", "--name", ""], "--name"),
        (["create", "--name", "a\nb"], "--name"),
        (["create", "--name", "a", "--scope", "root"], "--scope"),
        (["create", "--name", "a", "--scope", ""], "--scope"),
        (["create", "--name", "a", "--site", ""], "--site"),
        (["create", "--name", "a", "--rate", "-1"], "--rate"),
        (["create", "--name", "a", "--expires", "soon"], "--expires"),
        (["create", "--name", "a", "--expires", "2020-01-01"], "--expires"),
        (["create", "--name", "a", "--expires", "0d"], "--expires"),
        (["create", "--name", "there"], "--name"),
        (["revoke", "nobody"], "nobody"),
        (["rotate", "nobody"], "nobody"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, arguments: list[str], named: str) -> None:
    run_json(tmp_path, "create", "--name", "there")
    before = (tmp_path / "keys.json").read_bytes()
    result = run(tmp_path, *arguments)
    assert result.exit_code == 2
    assert named in result.output or "valid ones" in result.output
    assert (tmp_path / "keys.json").read_bytes() == before


def test_changes_at_once_lose_nothing(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path))

    def add_one() -> None:
        record, _ = make_key("many", NOW, scopes=["metrics"])
        change_keys(settings, lambda known: (*known, record))

    threads = [threading.Thread(target=add_one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_keys(tmp_path / "keys.json").keys) == 8
