"""The API as it runs, over a lake that it cannot write: right answers, and nothing has changed.

As root it runs as a user who owns nothing and may read everything (to reach jars and packages of
root); as anybody else with the lake's folders and files made read-only for their owner too.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from bench.api import wait_until_ready
from embedded.cache import CACHE_VARIABLE, cache_dir
from embedded.ports import LOOPBACK, find_free_port
from serving.delta_log import local_path
from settings.load import CONFIG_VARIABLE
from tests.serving.lake import make_events, make_sessions
from tests.serving.recount import count_pages, count_sessions
from tests.serving.test_answers import WHOLE, ask, assert_rows, without_bots

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 300
IS_ROOT = os.geteuid() == 0
NOBODY = "65534"
# no_setuid_fixup: or access(2), which Java asks, would not count the right to read everything.
AS_NOBODY = [
    "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs",
    "--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search",
    "--securebits=+no_setuid_fixup", "--pdeathsig=KILL",
]  # fmt: skip
READER = AS_NOBODY if IS_ROOT else []
WRITE = "import pathlib, sys; pathlib.Path(sys.argv[1], 'new').touch()"

pytestmark = pytest.mark.integration  # two JVMs of its own


def can_write(folder: Path) -> bool:
    """Whether the reader's process can make a file there."""
    tried = subprocess.run(
        [*READER, sys.executable, "-c", WRITE, folder], capture_output=True, text=True, check=False
    )
    assert tried.returncode == 0 or "PermissionError" in tried.stderr, tried.stderr
    return tried.returncode == 0


@pytest.fixture
def frozen(lake: str, tmp_path: Path) -> Iterator[Path]:
    """A copy of the lake in a folder where nobody may write."""
    if IS_ROOT and not shutil.which("setpriv"):
        pytest.skip("root may write everywhere, and there is no setpriv to be somebody else")
    source, folder = local_path(lake), tmp_path / "data"
    assert source is not None
    shutil.copytree(source, folder / "lake")  # with the files' times: they are the versions'
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        assert not can_write(folder / "lake" / "gold" / "pages" / "_delta_log")
        yield folder
    finally:
        for path in (folder, *folder.rglob("*")):
            path.chmod(path.stat().st_mode | 0o200)


def list_files(folder: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Path -> mode, size, time of the last change, and content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.stat()
        content = path.read_bytes() if path.is_file() else b""
        name = str(path.relative_to(folder))
        found[name] = (status.st_mode, status.st_size, status.st_mtime_ns, content)
    return found


@contextmanager
def run_reader(folder: Path, scratch: Path) -> Iterator[httpx.Client]:
    """`python -m serving` as the reader, whose only place to write is `scratch`."""
    port, spark = find_free_port(), {"master": "local[2]", "driver_memory": "512m"}
    sql = {"spark": spark, "timeout_s": START_TIMEOUT_S, "start_timeout_s": START_TIMEOUT_S}
    serving = {
        "host": LOOPBACK, "port": port, "allow_anonymous": True, "cache": {"redis_url": None},
        "query_timeout_s": START_TIMEOUT_S, "spark": spark, "sql": sql,
    }  # fmt: skip
    config, log = scratch.parent / "settings.yaml", scratch.parent / "api.log"
    config.write_text(json.dumps({"data_dir": str(folder), "serving": serving}))
    scratch.mkdir()
    if IS_ROOT:
        os.chown(scratch, int(NOBODY), int(NOBODY))
    env = {
        **os.environ, CONFIG_VARIABLE: str(config), CACHE_VARIABLE: str(cache_dir()),
        "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(scratch), "TMPDIR": str(scratch),
    }  # fmt: skip
    command = [*READER, sys.executable, "-m", "serving"]
    with log.open("wb") as output:
        api = subprocess.Popen(
            command, env=env, cwd=folder, stdout=output, stderr=output, start_new_session=True
        )
    try:
        with httpx.Client(
            base_url=f"http://{LOOPBACK}:{port}", timeout=START_TIMEOUT_S, trust_env=False
        ) as client:
            wait_until_ready(api, client, log)
            yield client
    finally:
        api.terminate()
        api.wait(60)


def test_a_reader_needs_no_right_to_write(frozen: Path, tmp_path: Path) -> None:
    before = list_files(frozen)
    with run_reader(frozen, tmp_path / "scratch") as api:
        events, sessions = without_bots(make_events()), without_bots(make_sessions())
        assert_rows(ask(api, "/pages", **WHOLE)["data"], count_pages(events, sessions))
        assert_rows(ask(api, "/sessions", **WHOLE)["data"], count_sessions(sessions))
        health = ask(api, "/health")
        checks = {check["name"]: check["status"] for check in health["checks"]}
        assert (checks["lake"], checks["tables"]) == ("HEALTHY", "HEALTHY")
        sql = "SELECT count(*) AS n, count(DISTINCT visitor_id) AS v FROM silver.events"
        answer = api.post("/query", json={"sql": f"{sql} WHERE NOT is_bot"}).json()
        assert answer["rows"] == [[len(events), len({event["visitor_id"] for event in events})]]
    assert list_files(frozen) == before
