"""Compiles the Java of this repository with Janino, which lies among pyspark's own jars.

From a source file to a jar; no JDK is needed, for Janino is a compiler that runs on any Java.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

from embedded.errors import StackError
from embedded.java import java_home
from embedded.process import die_with_parent

JAVA_SOURCES = Path(__file__).with_name("java_sources")


def compile_jar(source: Path, jar: Path, libraries: Iterable[Path], spark_jar_dir: Path) -> None:
    """Compile one file, which may use these jars, into a jar of its own. Raises StackError."""
    compiler = [*spark_jar_dir.glob("janino-*.jar"), *spark_jar_dir.glob("commons-compiler-*.jar")]
    with TemporaryDirectory() as classes:
        answer = subprocess.run(
            (
                str(java_home() / "bin" / "java"),
                *(
                    "-cp",
                    os.pathsep.join(map(str, compiler)),
                    "org.codehaus.commons.compiler.samples.CompilerDemo",
                ),
                *("-d", classes, "-classpath", os.pathsep.join(map(str, libraries)), str(source)),
            ),
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=die_with_parent(),
        )
        found = sorted(Path(classes).rglob("*.class"))
        if answer.returncode != 0 or not found:  # it says what is wrong, and exits with 0
            reason = (answer.stderr or answer.stdout).strip()[-500:]
            raise StackError(
                f"cannot compile {source.name}: {reason or 'Janino made no class'}. "
                "Run `make install` for the pyspark that belongs to this version."
            )
        with ZipFile(jar, "w") as archive:
            for file in found:
                archive.write(file, str(file.relative_to(classes)))
