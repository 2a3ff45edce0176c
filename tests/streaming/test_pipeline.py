"""The pipeline as a whole: names, targets, and where things are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from schemas import silver
from schemas.gold import GOLD_TABLES
from settings.model import LakeSettings, Settings
from streaming.pipeline import FLOWS
from streaming.progress import SOURCES
from streaming.runtime import checkpoint_uri, table_uri
from streaming.sinks import TABLES


def test_flows_have_names_of_their_own() -> None:
    names = [flow.name for flow in FLOWS]
    assert len(set(names)) == len(names)
    assert names == [
        "bronze",
        "silver",
        "sessions",
        "verdicts",
        "gold_events",
        "gold_details",
        "gold_sessions",
    ]


def test_every_table_is_written_by_exactly_one_flow() -> None:
    targets = Counter(target for flow in FLOWS for target in flow.targets)
    tables = {table.name for table in TABLES} | {table.name for table in GOLD_TABLES}
    assert targets == Counter(tables - {silver.HEARTBEATS.name})


def test_flows_come_in_the_order_of_the_layers_they_read() -> None:
    written: set[str] = set()
    for flow in FLOWS:
        assert SOURCES.get(flow.name, "") in written | {""}
        written.update(flow.targets)
    assert set(SOURCES) | {"bronze"} == {flow.name for flow in FLOWS}


@pytest.mark.parametrize(
    ("root", "uri"),
    [
        ("hdfs://n/lake/", "hdfs://n/lake/silver/events"),
        ("file:///data/lake", "file:/data/lake/silver/events"),
        ("s3a://bucket", "s3a://bucket/silver/events"),
    ],
)
def test_a_table_lies_under_the_root_of_the_lake(root: str, uri: str) -> None:
    settings = Settings(lake=LakeSettings(root=root, checkpoints=root))
    assert table_uri(settings, "silver.events") == uri
    assert checkpoint_uri(settings, "silver") == f"{root.rstrip('/')}/silver"


def test_without_a_root_all_is_in_the_data_folder(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path))
    assert table_uri(settings, "gold.pages") == f"file:{tmp_path}/lake/gold/pages"
    assert checkpoint_uri(settings, "bronze") == f"file://{tmp_path}/checkpoints/bronze"
