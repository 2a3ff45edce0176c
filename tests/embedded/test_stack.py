"""What the stack starts, what it tells its processes, and what `run.json` tells others."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from embedded import children
from embedded.child import Child
from embedded.children import Place, plan_children
from embedded.stack import describe_run
from settings.load import load_settings
from settings.model import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data_dir=str(tmp_path))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, 8002, 9092, 6379, 8003, "the local key")


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch, settings: Settings, place: Place) -> dict[str, Child]:
    monkeypatch.setattr(children, "prepare_broker", lambda *_: ("broker",))
    monkeypatch.setattr(children, "prepare_redis", lambda *_: ("redis",))
    return {child.name: child for child in plan_children(settings, place, with_sample=True)}


def test_order_puts_whoever_is_used_first(planned: dict[str, Child]) -> None:
    assert list(planned) == ["kafka", "redis", "stream", "api", "simulate"]
    names = list(planned)
    for name, child in planned.items():
        assert all(names.index(other) < names.index(name) for other in child.after)


def test_stop_fits_into_twenty_seconds(planned: dict[str, Child]) -> None:
    limit = float(planned["stream"].env["WEB_ANALYTICS_STREAM__SHUTDOWN_TIMEOUT_S"])
    assert limit < planned["stream"].stop_timeout_s
    assert sum(child.stop_timeout_s for child in planned.values()) <= 21


def test_processes_get_settings_that_load(
    planned: dict[str, Child], place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("stream", "api"):
        for variable, value in planned[name].env.items():
            monkeypatch.setenv(variable, value)
    loaded = load_settings()
    assert loaded.data_dir == str(place.data_dir)
    assert loaded.kafka.bootstrap_servers == "127.0.0.1:9092"
    assert loaded.serving.port == 8002
    assert [key.get_secret_value() for key in loaded.serving.api_keys] == ["the local key"]
    assert loaded.serving.local_dashboard
    assert loaded.serving.cache.redis_url is not None
    assert loaded.serving.cache.redis_url.get_secret_value() == place.redis


def test_own_commands_run_in_this_python(planned: dict[str, Child]) -> None:
    for name, command in (("stream", "stream"), ("api", "serve"), ("simulate", "simulate")):
        assert planned[name].argv[:5] == (sys.executable, "-P", "-m", "cli.main", command)


def test_only_refusal_of_the_stream_is_final(planned: dict[str, Child]) -> None:
    assert planned["stream"].fatal_exit_codes == {3}
    assert planned["simulate"].on_death == "ignore"
    assert all(planned[name].on_death == "restart" for name in ("kafka", "redis", "api"))


def test_no_sample_leaves_it_out(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, place: Place
) -> None:
    monkeypatch.setattr(children, "prepare_broker", lambda *_: ("broker",))
    names = [child.name for child in plan_children(settings, place, with_sample=False)]
    assert "simulate" not in names


def test_run_file_has_what_the_contract_names(settings: Settings, place: Place) -> None:
    described = json.loads(json.dumps(describe_run(settings, place, {"kafka": 1})))
    assert described == {
        "api": "http://127.0.0.1:8002",
        "api_key": "the local key",
        "kafka": "127.0.0.1:9092",
        "redis": "redis://127.0.0.1:6379/0",
        "metrics": "http://127.0.0.1:8003/metrics",
        "topic": "topic_web_events",
        "lake": f"file://{place.data_dir}/lake",
        "checkpoints": f"file://{place.data_dir}/checkpoints",
        "pids": {"kafka": 1},
    }
