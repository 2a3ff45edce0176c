"""The data folder: one `up` at a time, a key that stays, logs put aside; and the ports."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from embedded.data_dir import hold_data_dir, keep_api_key, rotate_logs, write_privately
from embedded.errors import StackError
from embedded.ports import choose_port, find_free_port


def test_second_holder_is_refused_by_name(tmp_path: Path) -> None:
    with (
        hold_data_dir(tmp_path / "data"),
        pytest.raises(StackError, match=f"process {os.getpid()}"),
        hold_data_dir(tmp_path / "data"),
    ):
        pytest.fail("two hold the same folder")
    with hold_data_dir(tmp_path / "data"):
        assert (tmp_path / "data" / "up.lock").read_text() == str(os.getpid())


def test_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from embedded.data_dir import hold_data_dir\n"
        "with hold_data_dir(Path(sys.argv[1])):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert (tmp_path / "up.lock").read_text() != ""
    with hold_data_dir(tmp_path):
        assert (tmp_path / "up.lock").read_text() == str(os.getpid())


def test_unusable_folder_names_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match="--data-dir"), hold_data_dir(tmp_path / "file"):
        pytest.fail("held a file as a folder")


def test_key_stays_and_is_private(tmp_path: Path) -> None:
    key = keep_api_key(tmp_path)
    assert len(key) >= 32
    assert keep_api_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "api_key").stat().st_mode) == 0o600
    (tmp_path / "api_key").write_text("\n")
    assert keep_api_key(tmp_path) not in ("", key)


def test_private_file_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    file.write_text("old")
    file.chmod(0o644)
    (tmp_path / ".run.json.part").write_text("left by a killed run")
    write_privately(file, "new")
    assert file.read_text() == "new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_last_logs_are_put_aside(tmp_path: Path) -> None:
    (tmp_path / "api.log").write_text("second run")
    (tmp_path / "api.log.1").write_text("first run")
    rotate_logs(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["api.log.1"]
    assert (tmp_path / "api.log.1").read_text() == "second run"


def test_taken_default_port_is_replaced_and_said() -> None:
    said: list[str] = []
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        chosen = choose_port("--api-port", None, port, said.append)
        assert chosen != port
        assert str(port) in said[0] and str(chosen) in said[0] and "--api-port" in said[0]
        with pytest.raises(StackError, match=f"--api-port {port}"):
            choose_port("--api-port", port, 1, said.append)


def test_free_port_is_taken_as_it_is() -> None:
    said: list[str] = []
    port, other = find_free_port(), find_free_port()
    assert choose_port("--api-port", None, port, said.append) == port
    assert choose_port("--api-port", other, port, said.append) == other
    assert said == []
