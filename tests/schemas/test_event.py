"""The event's constants: complete, without overlap, and cheap to import."""

from __future__ import annotations

import subprocess
import sys

from schemas import event


def test_every_field_has_exactly_one_type() -> None:
    assert len(set(event.EVENT_FIELDS)) == len(event.EVENT_FIELDS)


def test_rules_name_only_declared_fields_and_types() -> None:
    groups = [*event.REQUIRED_ALWAYS, *(g for gs in event.REQUIRED_BY_TYPE.values() for g in gs)]
    assert {name for group in groups for name in group} <= set(event.EVENT_FIELDS)
    assert set(event.REQUIRED_BY_TYPE) <= set(event.EVENT_TYPES)


def test_the_parser_reads_every_field_as_text_and_in_order() -> None:
    columns = [f"`{name}` string" for name in (*event.EVENT_FIELDS, event.MALFORMED_COLUMN)]
    assert event.JSON_SCHEMA.split(", ") == columns


def test_importing_the_constants_imports_no_library() -> None:
    code = "import sys, schemas.event; print(*sorted(m.split('.')[0] for m in sys.modules))"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert not {"pydantic", "pyspark", "pandas", "numpy"} & set(loaded)
