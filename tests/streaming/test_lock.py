"""One app per lake: the second is refused, and a dead one holds nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from settings.model import LakeSettings, Settings
from streaming import lock
from streaming.lock import LakeInUse, hold_lake, hold_lease

_HOLDER = """
import sys
from settings.model import Settings
from streaming.lock import hold_lake
with hold_lake(Settings(data_dir=sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def _held_by_another(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process holds the lake until it is told to end, or dies."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_second_holder_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    with _held_by_another(tmp_path) as other:
        with pytest.raises(LakeInUse) as refusal, hold_lake(Settings(data_dir=str(tmp_path))):
            pass
        assert f"process {other.pid} " in str(refusal.value)
        assert str(tmp_path) in str(refusal.value)
        assert "--data-dir" in str(refusal.value)


def test_a_refused_holder_takes_nothing_from_the_first(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path))
    with _held_by_another(tmp_path):
        for _ in range(3):
            with pytest.raises(LakeInUse), hold_lake(settings):
                pass


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    with _held_by_another(tmp_path) as other:
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
        with hold_lake(Settings(data_dir=str(tmp_path))):
            held_by = (tmp_path / "checkpoints" / "app.lock").read_text()
    assert held_by == str(os.getpid())


def test_a_holder_that_ends_gives_it_back_even_after_an_error(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path))
    with pytest.raises(ValueError, match="broken"), hold_lake(settings):
        raise ValueError("broken")
    with hold_lake(settings):
        assert (tmp_path / "checkpoints" / "app.lock").exists()


def test_another_lake_is_nobodys(tmp_path: Path) -> None:
    with _held_by_another(tmp_path / "a"), hold_lake(Settings(data_dir=str(tmp_path / "b"))):
        assert (tmp_path / "b" / "checkpoints" / "app.lock").exists()


@pytest.fixture
def remote(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A remote file system in a dict, and no waiting for rivals."""
    stored: dict[str, str] = {}
    monkeypatch.setattr(lock, "read_text", stored.get)
    monkeypatch.setattr(lock, "write_text", stored.__setitem__)
    monkeypatch.setattr("streaming.lock.time.sleep", lambda _: None)
    return stored


REMOTE = Settings(lake=LakeSettings(root="hdfs://n/lake", checkpoints="hdfs://n/checkpoints"))
LEASE = "hdfs://n/checkpoints/app.lease"


def test_a_remote_lake_is_leased_to_one(remote: dict[str, str]) -> None:
    with hold_lake(REMOTE), hold_lease(REMOTE):
        with pytest.raises(LakeInUse, match=str(os.getpid())), hold_lease(REMOTE):
            pass
        assert str(os.getpid()) in remote[LEASE]
    with hold_lease(REMOTE):
        assert str(os.getpid()) in remote[LEASE]


def test_a_lease_that_nobody_renewed_is_given_up(remote: dict[str, str]) -> None:
    remote[LEASE] = '{"holder": "gone:1:x", "renewed_at": 1}'
    with hold_lease(REMOTE):
        assert "gone" not in remote[LEASE]


def test_of_two_that_start_at_once_one_is_refused(
    remote: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def rival_writes(_: float) -> None:
        remote[LEASE] = '{"holder": "rival:1:x", "renewed_at": 9e12}'

    monkeypatch.setattr("streaming.lock.time.sleep", rival_writes)
    with pytest.raises(LakeInUse, match="same moment"), hold_lease(REMOTE):
        pass
    assert "rival" in remote[LEASE]


def test_a_local_lake_needs_no_lease(tmp_path: Path, remote: dict[str, str]) -> None:
    with hold_lease(Settings(data_dir=str(tmp_path))):
        assert remote == {}
