"""The bench's processor time: that of children, and of theirs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.cores import read_core_s

_BURN = "import time\nwhile time.process_time() < 0.3: pass\n"
_SAY_AND_STAY = "print(flush=True)\ninput()"
_RUN = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', {!r}], check=True)\n"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")
@pytest.mark.parametrize(
    "program",
    [
        pytest.param(_BURN + _SAY_AND_STAY, id="child"),
        pytest.param(_RUN.format(_BURN + _SAY_AND_STAY), id="grandchild"),
        pytest.param(_RUN.format(_BURN) + _SAY_AND_STAY, id="grandchild that ended"),
    ],
)
def test_the_time_of_descendants_counts(program: str) -> None:
    before = read_core_s()
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        running = read_core_s() - before
        child.communicate(b"\n")
    assert running >= 0.25


# In a process of its own, for this one may have a JVM that does something all the time.
_OWN = """
from bench.cores import read_core_s
before = read_core_s()
sum(range(10_000_000))
print(read_core_s() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")
def test_our_own_time_does_not_count() -> None:
    said = subprocess.run([sys.executable, "-c", _OWN], check=True, capture_output=True)
    assert float(said.stdout) == 0
