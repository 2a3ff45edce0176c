"""The jar sets: whole or fetched again, one process at a time, and a clear word when offline."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from embedded import jars
from embedded.errors import StackError
from embedded.ivy import Dependency, retrieve_jars, write_ivy_file
from embedded.jars import kafka_jars, spark_jar_dir, spark_jars


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_ANALYTICS_CACHE_DIR", str(tmp_path / "cache"))


class FakeIvy:
    """Puts two small jars into the folder, and counts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = 0
        self.fails = False
        monkeypatch.setattr(jars, "retrieve_jars", self)
        monkeypatch.setattr(jars, "compile_jar", lambda _, jar, *__: jar.write_bytes(b"ours"))

    def __call__(self, _title: str, _ivy_file: str, target: Path, _jar_dir: Path) -> None:
        self.calls += 1
        (target / "a-1.jar").write_bytes(b"first")
        if self.fails:
            raise StackError("the line broke")
        (target / "b-2.jar").write_bytes(b"second")


@pytest.fixture
def ivy(monkeypatch: pytest.MonkeyPatch) -> FakeIvy:
    return FakeIvy(monkeypatch)


def test_jars_are_fetched_once(ivy: FakeIvy) -> None:
    assert [jar.name for jar in kafka_jars()] == ["a-1.jar", "b-2.jar"]
    assert kafka_jars() == kafka_jars()
    assert ivy.calls == 1
    assert not set(spark_jars()) & set(kafka_jars())
    assert ivy.calls == 2


@pytest.mark.parametrize("damage", ["changed", "cut", "missing", "added", "manifest"])
def test_damaged_set_is_fetched_again(ivy: FakeIvy, damage: str) -> None:
    first, second = kafka_jars()
    match damage:
        case "changed":
            first.write_bytes(b"fIrst")
        case "cut":
            first.write_bytes(b"fir")
        case "missing":
            second.unlink()
        case "added":
            (first.parent / "c-3.jar").write_bytes(b"")
        case "manifest":
            (first.parent / "manifest.json").write_text('[{"name"')
    assert [jar.read_bytes() for jar in kafka_jars()] == [b"first", b"second"]
    assert ivy.calls == 2


def test_interrupted_fetch_is_never_half_used(ivy: FakeIvy, tmp_path: Path) -> None:
    ivy.fails = True
    with pytest.raises(StackError, match="the line broke"):
        kafka_jars()
    assert list((tmp_path / "cache" / "jars").rglob("*.jar")) == []
    ivy.fails = False
    assert len(kafka_jars()) == 2


def test_leftover_of_a_killed_fetch_is_replaced(ivy: FakeIvy, tmp_path: Path) -> None:
    folder = kafka_jars()[0].parent
    folder.rename(folder.with_suffix(".part"))  # killed just before the last step
    assert len(kafka_jars()) == 2
    assert ivy.calls == 2
    assert list((tmp_path / "cache" / "jars").glob("*.part")) == []


def test_concurrent_callers_fetch_once(ivy: FakeIvy, tmp_path: Path) -> None:
    log = tmp_path / "fetches"
    original = ivy.__call__

    def fetch_slowly(title: str, ivy_file: str, target: Path, jar_dir: Path) -> None:
        with log.open("a") as handle:
            handle.write(f"{title}\n")
        start.wait(60)
        original(title, ivy_file, target, jar_dir)

    fork = multiprocessing.get_context("fork")
    start = fork.Event()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jars, "retrieve_jars", fetch_slowly)
        callers = [fork.Process(target=kafka_jars) for _ in range(3)]
        for caller in callers:
            caller.start()
        start.set()
        for caller in callers:
            caller.join(60)
    assert [caller.exitcode for caller in callers] == [0, 0, 0]
    assert log.read_text() == "kafka\n"


def test_nothing_that_spark_ships_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def note(_title: str, ivy_file: str, target: Path, _jar_dir: Path) -> None:
        asked.append(ivy_file)
        (target / "a-1.jar").touch()

    monkeypatch.setattr(jars, "retrieve_jars", note)
    monkeypatch.setattr(jars, "compile_jar", lambda *_: None)
    spark_jars()
    assert '<exclude module="spark-sql_2.13"/>' in asked[0]
    assert '<exclude module="hadoop-client-runtime"/>' in asked[0]
    assert '<exclude module="snappy-java"/>' in asked[0]
    assert 'name="spark-sql-kafka-0-10_2.13" rev="4.2.0"' in asked[0]
    assert 'name="delta-spark_4.2_2.13" rev="4.4.0"' in asked[0]


def test_offline_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A proxy that refuses every connection is as good as no network.
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=1")
    target = tmp_path / "jars.part"
    target.mkdir()
    wanted = write_ivy_file([Dependency("org.apache.kafka", "kafka_2.13", "4.1.1")], [])
    with pytest.raises(StackError) as raised:
        retrieve_jars("kafka", wanted, target, spark_jar_dir())
    assert "Internet" in str(raised.value)
    assert "WEB_ANALYTICS_CACHE_DIR" in str(raised.value)
    assert [entry.name for entry in tmp_path.iterdir() if "ivy" in entry.name] == []
