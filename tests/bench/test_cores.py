"""The bench's processor time: that of children, and of theirs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.cores import read_core_s

# Burns 0.3 s of processor, says so, and stays until it is told to go.
_BURN = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"
_BURN_IN_CHILD = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {_BURN!r}])"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")
@pytest.mark.parametrize("program", [_BURN, _BURN_IN_CHILD])
def test_a_descendants_time_counts_while_it_runs_and_afterwards(program: str) -> None:
    before = read_core_s()
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        running = read_core_s() - before
        child.communicate(b"\n")
    assert running >= 0.25


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")
def test_our_own_time_does_not_count() -> None:
    before = read_core_s()
    sum(range(10_000_000))
    assert read_core_s() == before
