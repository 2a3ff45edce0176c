"""A flow that fails is named, whether the app goes on for ever or to the end of what is there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.errors import StreamingQueryException

from settings.model import Settings
from streaming import run
from streaming.reject_limit import TooManyRejects
from streaming.run import FlowFailed, drain_flows

FAILURES = [
    ("no space left", FlowFailed, "flow 'silver' has stopped: no space left"),
    (
        'File "x.py", line 1\nstreaming.reject_limit.TooManyRejects: 501 of 1,001\n  at org.apache',
        TooManyRejects,
        "^501 of 1,001$",
    ),
]


@pytest.mark.parametrize(("text", "kind", "told"), FAILURES)
def test_a_flow_that_fails_is_named(
    text: str, kind: type[Exception], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = StreamingQueryException(text)

    def fail() -> None:
        raise error

    query = SimpleNamespace(
        name="silver", isActive=False, awaitTermination=fail, exception=lambda: error
    )
    monkeypatch.setattr(run, "start_flow", lambda *_, **__: query)
    runtime: Any = SimpleNamespace(settings=Settings(data_dir="no-such-folder"))
    flow: Any = SimpleNamespace(name="silver")
    states: Any = {"silver": None}
    with pytest.raises(kind, match=told):
        drain_flows(runtime, (flow,), states, beats=False)
    with pytest.raises(kind, match=told):
        run._require_running(query)  # type: ignore[arg-type]  # all that it looks at
