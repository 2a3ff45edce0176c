"""The bench of each flow by itself."""

from __future__ import annotations

import pytest
import typer

from bench.batches import read_properties


def test_properties_are_pairs() -> None:
    assert read_properties(["a.b=1", "c=x=y"]) == {"a.b": "1", "c": "x=y"}
    with pytest.raises(typer.BadParameter, match="'a.b' is no key=value"):
        read_properties(["c=1", "a.b"])
