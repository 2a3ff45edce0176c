"""Runs Apache Ivy, which resolves Maven coordinates and downloads their jars.

From a list of dependencies to jars in a folder; Ivy's own cache is thrown away afterwards, so an
interrupted download leaves nothing that a later one could trip over.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import quoteattr

from embedded.errors import StackError
from embedded.java import java_home
from embedded.process import die_with_parent
from embedded.progress import say, show_activity


class Dependency(NamedTuple):
    """Maven coordinates."""

    organisation: str
    name: str
    revision: str

    def __str__(self) -> str:
        return ":".join(self)


def write_ivy_file(dependencies: Iterable[Dependency], excluded: Iterable[str]) -> str:
    """Ivy's module file: these dependencies and theirs, except the modules excluded by name."""
    lines = ['<ivy-module version="2.0">', '<info organisation="local" module="web-analytics"/>']
    lines += ['<configurations><conf name="default"/></configurations>', "<dependencies>"]
    for wanted in dependencies:
        org, name, rev = map(quoteattr, wanted)
        lines.append(f'<dependency org={org} name={name} rev={rev} conf="default"/>')
    lines += [f"<exclude module={quoteattr(module)}/>" for module in sorted(excluded)]
    return "\n".join([*lines, "</dependencies>", "</ivy-module>"])


def retrieve_jars(title: str, ivy_file: str, target: Path, spark_jar_dir: Path) -> None:
    """Download what `ivy_file` asks for into `target`.

    Raises StackError with Ivy's reason and the remedy.
    """
    started = time.monotonic()
    say(f"fetching the {title} jars (once for this user)")
    scratch = target.with_suffix(".ivy")
    shutil.rmtree(scratch, ignore_errors=True)  # one that a killed run left
    scratch.mkdir()
    try:
        module = scratch / "ivy.xml"
        module.write_text(ivy_file)
        command = [
            str(java_home() / "bin" / "java"),
            f"-Divy.default.ivy.user.dir={scratch}",  # leave the user's own ~/.ivy2 alone
            *("-jar", str(_find_ivy(spark_jar_dir)), "-m2compatible", "-confs", "default"),
            *("-cache", f"{scratch}/cache", "-ivy", str(module)),
            *("-retrieve", f"{target}/[artifact]-[revision].[ext]"),
        ]
        code, output = _run_showing_downloads(command, title)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if code != 0:
        raise StackError(_explain(title, output))
    jars = list(target.glob("*.jar"))
    size_mb = sum(jar.stat().st_size for jar in jars) / 1e6
    say(f"fetched {len(jars)} {title} jars, {size_mb:.0f} MB, {time.monotonic() - started:.0f} s")


def _find_ivy(spark_jar_dir: Path) -> Path:
    found = sorted(spark_jar_dir.glob("ivy-*.jar"))
    if not found:
        raise StackError(f"no Ivy among pyspark's jars in {spark_jar_dir}. Run `make install`.")
    return found[-1]


def _run_showing_downloads(command: list[str], title: str) -> tuple[int, list[str]]:
    output = []
    with (
        show_activity(f"resolving the {title} jars") as show,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            preexec_fn=die_with_parent(),
        ) as process,
    ):
        assert process.stdout is not None  # because stdout=PIPE
        try:
            for line in process.stdout:
                output.append(line.strip())
                if line.startswith("downloading "):
                    show(line.split()[1].rpartition("/")[2])
        except BaseException:
            process.kill()
            raise
    return process.returncode, output


def _explain(title: str, output: list[str]) -> str:
    """Ivy's own reason, and what to do about it."""
    signs = ("PKIX", "Exception", "Server access error", "not found", "download failed")
    reason = next((line for sign in signs for line in output if sign in line), "")
    remedy = (
        "This needs the Internet once: connect and start again, or copy the cache folder from a "
        "machine that has it (WEB_ANALYTICS_CACHE_DIR names another). Behind a proxy set "
        "JAVA_TOOL_OPTIONS='-Dhttps.proxyHost=HOST -Dhttps.proxyPort=PORT'."
    )
    if "PKIX" in reason:
        remedy = (
            "Java does not trust the certificate it was shown, as behind a proxy that signs its "
            "own: add that CA to the Java you use, or leave Java off PATH and name a PEM bundle "
            "with the CA in SSL_CERT_FILE."
        )
    return f"cannot fetch the {title} jars from Maven Central: {reason or output[-1:]}. {remedy}"
