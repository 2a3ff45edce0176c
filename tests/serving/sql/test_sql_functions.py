"""Every function of Spark is classified, and every allowed one passes the guard."""

from __future__ import annotations

import re
from typing import Any

import pyspark
import yaml

from serving.sql.engine import SqlEngine, SqlFailed
from serving.sql.request import SqlRequest
from serving.sql_guard.functions import FILE, find_classes, load_functions
from serving.sql_guard.nodes import ANALYSED_EXPRESSIONS
from serving.sql_guard.refusal import Refused

EXPRESSIONS = "org.apache.spark.sql.catalyst.expressions."


def test_spark_has_no_function_that_nobody_classified(engine: SqlEngine) -> None:
    shown = {row[0] for row in engine.spark.sql("SHOW FUNCTIONS").collect()}
    functions = load_functions()
    assert shown == functions.allowed | functions.denied.keys()
    assert yaml.safe_load(FILE.read_text())["spark"] == pyspark.__version__


def test_what_reaches_beyond_rows_is_denied() -> None:
    functions = load_functions()
    for name in ("java_method", "reflect", "try_reflect", "input_file_name", "table_changes"):
        assert functions.denied[name]
        assert name not in functions.allowed


def test_classes_of_denied_functions_pass_neither_list(engine: SqlEngine) -> None:
    classes = find_classes(engine.spark) | {
        f"org.apache.spark.sql.catalyst.{name}" for name in ANALYSED_EXPRESSIONS
    }
    assert f"{EXPRESSIONS}Upper" in classes
    for name in ("CallMethodViaReflection", "TryReflect", "InputFileName", "CurrentUser"):
        assert f"{EXPRESSIONS}{name}" not in classes
    assert f"{EXPRESSIONS}RaiseError" not in classes
    denied = load_functions().denied
    for name, info in read_registry(engine).items():
        assert name not in denied or str(info.getClassName()) not in classes, name


def test_the_example_of_each_allowed_function_passes(engine: SqlEngine) -> None:
    """The first example in Spark's own documentation: parsed, analysed, not run."""
    refused = {}
    for name, example in find_examples(engine).items():
        try:
            with engine.prepare(SqlRequest(example, 1, {})):
                pass
        except Refused as error:
            refused[name] = error.message
        except SqlFailed as error:
            # The type TIME is off in this Spark.
            if "UNSUPPORTED_TIME_TYPE" not in error.details.values():
                refused[name] = error.message
    assert refused == {}


def find_examples(engine: SqlEngine) -> dict[str, str]:
    allowed, examples = load_functions().allowed, {}
    for name, info in read_registry(engine).items():
        text = str(info.getExamples())
        first = re.search(r"> (SELECT.*?);\s*\n", text, re.DOTALL | re.IGNORECASE)
        if first and name in allowed:
            examples[name] = first[1]
    assert len(examples) > 450
    return examples


def read_registry(engine: SqlEngine) -> dict[str, Any]:
    """What Spark says of each of its functions."""
    registry = engine.spark._jsparkSession.sessionState().functionRegistry()
    names = registry.listFunction()
    identifiers = [names.apply(index) for index in range(names.size())]
    found = {str(one.funcName()): registry.lookupFunction(one) for one in identifiers}
    return {name: info.get() for name, info in found.items() if info.isDefined()}
