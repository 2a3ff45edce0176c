"""Java compiled with what pyspark ships: a jar, or a word about what is wrong with the source."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from embedded.compile import compile_jar
from embedded.errors import StackError
from embedded.jars import spark_jar_dir
from embedded.java import java_home

_HELLO = """package hello;

public class Hello {
    public static void main(String[] args) { System.out.println("hello, " + args[0]); }
}
"""


def compile_text(folder: Path, text: str) -> Path:
    source, jar = folder / "Hello.java", folder / "hello.jar"
    source.write_text(text)
    compile_jar(source, jar, [], spark_jar_dir())
    return jar


def test_the_jar_runs(tmp_path: Path) -> None:
    jar = compile_text(tmp_path, _HELLO)
    command = (str(java_home() / "bin" / "java"), "-cp", str(jar), "hello.Hello", "you")
    assert subprocess.check_output(command, text=True) == "hello, you\n"


def test_a_source_that_is_wrong_is_named_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"cannot compile Hello.java: .*Line 4.*no_such_name"):
        compile_text(tmp_path, _HELLO.replace("args[0]", "no_such_name"))
    assert not (tmp_path / "hello.jar").exists()


def test_without_the_compiler_it_says_what_to_do(tmp_path: Path) -> None:
    source = tmp_path / "Hello.java"
    source.write_text(_HELLO)
    with pytest.raises(StackError, match="make install"):
        compile_jar(source, tmp_path / "hello.jar", [], tmp_path)
