"""The supervisor: order, restarts, giving up, and leaving nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.embedded.conftest import FakeStack, is_alive, stop_self, wait_until

RESTS = "touch(); rest()"
NOTES_ITS_END = """
def leave(*_):
    note('end ' + Path(__file__).stem)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
note('start ' + Path(__file__).stem)
touch(); rest()
"""


def stop_when_ready(pids: Mapping[str, int] | None) -> None:
    if pids is not None:
        stop_self()


def test_children_start_in_order_and_stop_in_reverse(stack: FakeStack) -> None:
    stack.on_publish = stop_when_ready
    code = stack.run(
        stack.script("first", NOTES_ITS_END),
        stack.script("second", NOTES_ITS_END, after=("first",)),
    )
    assert code == 0
    assert stack.notes() == ["start first", "start second", "end second", "end first"]
    ready, withdrawn = stack.published
    assert ready is not None
    assert list(ready) == ["first", "second"]
    assert withdrawn is None
    assert not any(is_alive(pid) for pid in ready.values())


def test_dead_child_is_said_withdrawn_and_restarted(stack: FakeStack) -> None:
    def kill_once(pids: Mapping[str, int] | None) -> None:
        if pids is None:
            return
        if len(stack.published) == 1:
            os.kill(pids["app"], signal.SIGKILL)
        else:
            stop_self()

    stack.on_publish = kill_once
    assert stack.run(stack.script("app", "print('last words'); " + RESTS)) == 0
    first, between, second, end = stack.published
    assert first is not None and second is not None
    assert first["app"] != second["app"]
    assert between is None and end is None
    assert "app was killed by SIGKILL" in stack.said
    assert "  | last words" in stack.lines


def test_child_that_dies_at_every_start_ends_all(stack: FakeStack) -> None:
    code = stack.run(
        stack.script("server", NOTES_ITS_END),
        stack.script("app", "note('try'); sys.exit('no luck')", after=("server",)),
    )
    assert code == 1
    assert stack.notes().count("try") == 3  # the first start and two more
    assert stack.notes()[-1] == "end server"
    assert "app cannot be kept up" in stack.said
    assert stack.published == [None]


def test_child_that_dies_whenever_ready_ends_all_in_the_end(stack: FakeStack) -> None:
    def kill(pids: Mapping[str, int] | None) -> None:
        if pids:
            os.kill(pids["app"], signal.SIGKILL)

    stack.on_publish = kill
    assert stack.run(stack.script("app", RESTS)) == 1
    assert sum(pids is not None for pids in stack.published) == 5  # four deaths an hour are borne


def test_refusal_to_start_is_shown_and_not_repeated(stack: FakeStack) -> None:
    body = "note('try'); print('tables and checkpoints do not match'); sys.exit(3)"
    code = stack.run(stack.script("app", body, fatal_exit_codes=frozenset({3})))
    assert code == 1
    assert stack.notes() == ["try"]
    assert "  | tables and checkpoints do not match" in stack.lines
    assert "refuses to start" in stack.said


def test_child_that_is_never_ready_is_killed(stack: FakeStack) -> None:
    code = stack.run(stack.script("app", "rest()", ready_timeout_s=0.1))
    assert code == 1
    assert "app was not ready" in stack.said


@pytest.mark.parametrize(("code", "line"), [(0, "sample is done"), (7, "going on without sample")])
def test_optional_child_may_end(stack: FakeStack, code: int, line: str) -> None:
    def stop_when_alone(pids: Mapping[str, int] | None) -> None:
        if pids is not None and "sample" not in pids:
            stop_self()

    stack.on_publish = stop_when_alone
    sample = stack.script("sample", f"touch(); sys.exit({code})", on_death="ignore")
    assert stack.run(stack.script("app", RESTS), sample) == 0
    assert line in stack.said


def test_unknown_program_ends_all(stack: FakeStack) -> None:
    from dataclasses import replace

    from embedded.errors import StackError

    server = stack.script("server", NOTES_ITS_END)
    broken = replace(stack.script("app", ""), argv=("/no/such/program",), after=("server",))
    with pytest.raises(StackError, match="cannot start app"):
        stack.run(server, broken)
    assert stack.notes() == ["start server", "end server"]


def test_what_a_dead_child_started_is_gone_before_its_restart(stack: FakeStack) -> None:
    body = """
import subprocess
note(str(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(3600)']).pid))
"""
    stack.on_publish = stop_when_ready
    grandchildren_alive: list[bool] = []

    def look(line: str) -> None:
        if line.startswith("starting app again"):
            grandchildren_alive.append(is_alive(int(stack.notes()[0])))

    stack.lines = _Listener(look)
    assert (
        stack.run(
            stack.script(
                "app",
                body + "len(Path(folder/'notes').read_text().split()) > 1 "
                "or sys.exit(1)\ntouch(); rest()",
            )
        )
        == 0
    )
    assert grandchildren_alive == [False]
    assert not any(is_alive(int(pid)) for pid in stack.notes())


class _Listener(list[str]):
    def __init__(self, listen: object) -> None:
        super().__init__()
        self._listen = listen

    def append(self, line: str) -> None:
        super().append(line)
        self._listen(line)  # type: ignore[operator]  # a function


def test_deaf_child_is_killed(stack: FakeStack) -> None:
    stack.on_publish = stop_when_ready
    body = "signal.signal(signal.SIGTERM, signal.SIG_IGN); touch(); rest()"
    assert stack.run(stack.script("app", body, stop_timeout_s=0.2)) == 0
    assert "app was killed" in stack.said
    pids = stack.published[0]
    assert pids is not None and not is_alive(pids["app"])


def test_second_signal_kills_at_once(stack: FakeStack) -> None:
    # The deaf child tells us of the first signal by sending the second one.
    body = (
        "signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getppid(), signal.SIGTERM))\n" + RESTS
    )
    stack.on_publish = stop_when_ready
    assert stack.run(stack.script("app", body, stop_timeout_s=3600)) == 0
    assert "app was killed" in stack.said


def test_children_end_though_nobody_listens_any_more(stack: FakeStack) -> None:
    def fail(line: str) -> None:
        if "stopped" in line:
            raise BrokenPipeError

    stack.lines = _Listener(fail)
    stack.on_publish = stop_when_ready
    assert stack.run(stack.script("a", NOTES_ITS_END), stack.script("b", NOTES_ITS_END)) == 0
    assert sorted(stack.notes())[:2] == ["end a", "end b"]


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
def test_children_die_with_a_killed_supervisor(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    program = f"""
import sys
from pathlib import Path
from embedded.child import Child
from embedded.supervisor import Supervisor
def publish(pids):
    Path({str(pids)!r}).write_text(' '.join(map(str, pids.values())))
sleeper = (sys.executable, '-c', 'import time; time.sleep(3600)')
children = [Child('a', sleeper, lambda: True), Child('b', sleeper, lambda: True)]
Supervisor(children, Path({str(tmp_path)!r}), print, publish).run()
"""
    supervisor = subprocess.Popen([sys.executable, "-c", program])
    wait_until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    children = [int(pid) for pid in pids.read_text().split()]
    assert all(map(is_alive, children))
    supervisor.kill()
    supervisor.wait()
    wait_until(lambda: not any(map(is_alive, children)))
