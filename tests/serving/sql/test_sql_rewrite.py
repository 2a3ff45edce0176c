"""The pure parts: places and edits, bounds, values of an answer, Spark's messages cleaned."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql.types import (
    ArrayType,
    DataType,
    DoubleType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from serving.sql.answer import Column, clean_value, limit_answer, name_uniquely
from serving.sql.errors import clean_message
from serving.sql_guard.bounds import check_bounds, find_number
from serving.sql_guard.nodes import name_construct
from serving.sql_guard.parsed import Reference
from serving.sql_guard.refusal import Place, Refused, locate
from serving.sql_guard.rewrite import apply_edits, find_original, make_edits
from serving.sql_guard.tree import Node

TEXT = "SELECT silver.events.x\nFROM silver.events e, gold.pages WHERE wrong"


def find(word: str, text: str = TEXT, start: int = 0) -> Place:
    begin = text.index(word, start)
    return Place(begin, begin + len(word) - 1)


REFERENCES = [
    Reference("silver.events", find("silver.events"), is_qualifier=True),
    Reference("silver.events", find("silver.events", start=20)),
    Reference("gold.pages", find("gold.pages")),
]
VIEWS = {"silver.events": "silver_events_1", "gold.pages": "gold_pages_2"}


def test_tables_become_views_with_their_names_as_aliases() -> None:
    edited = apply_edits(TEXT, make_edits(TEXT, REFERENCES, VIEWS))
    assert edited == (
        "SELECT `events`.x\nFROM (silver_events_1 AS `events`) e, (gold_pages_2 AS `pages`) "
        "WHERE wrong"
    )


def test_table_statements_take_no_alias() -> None:
    text = "TABLE  gold.pages"
    edits = make_edits(text, [Reference("gold.pages", find("gold.pages", text))], VIEWS)
    assert apply_edits(text, edits) == "TABLE  gold_pages_2"


@pytest.mark.parametrize("word", ["SELECT", ".x", "FROM", " e,", "WHERE", "wrong"])
def test_places_are_found_again(word: str) -> None:
    edits = make_edits(TEXT, REFERENCES, VIEWS)
    edited = apply_edits(TEXT, edits)
    assert find_original(find(word, edited), edits) == find(word)


def test_a_place_within_an_edit_is_what_was_replaced() -> None:
    edits = make_edits(TEXT, REFERENCES, VIEWS)
    inside = find("gold_pages_2", apply_edits(TEXT, edits))
    assert find_original(inside, edits) == find("gold.pages")


def test_lines_and_columns_are_counted_from_one() -> None:
    assert locate(TEXT, find("SELECT")) == {"line": 1, "column": 1, "given": "SELECT"}
    assert locate(TEXT, find("FROM")) == {"line": 2, "column": 1, "given": "FROM"}
    assert locate(TEXT, find("wrong"))["column"] == 40
    assert locate(TEXT, None) == {}


def number(value: Any) -> Node:
    return Node("expressions.Literal", False, detail={"value": value})


def call(name: str, *arguments: Any) -> Node:
    children = tuple(a if isinstance(a, Node) else number(a) for a in arguments)
    return Node("analysis.UnresolvedFunction", False, children, {"parts": [name]})


@pytest.mark.parametrize(
    "node",
    [
        call("repeat", "a", 10_000),
        call("round", 1, -100),
        call("round", 1),
        call("sequence", 1, 1_000_000),
        call("sequence", call("min", "x"), call("max", "x")),
        call("range", 10_000_000),
        call("range", 0, 100, 5),
        call("format_string", "%5.1f %s", 1),
        call("window", "t", "1 hour"),
        call("window", "t", "1 day", "6 hours"),
    ],
)
def test_within_bounds(node: Node) -> None:
    check_bounds(node)


@pytest.mark.parametrize(
    "node",
    [
        call("REPEAT", "a", 10_001),
        call("repeat", "a", call("length", "x")),
        call("round", 1, -101),
        call("sequence", 1, 2_000_002),
        call("sequence", 0, -3_000_000, -1),
        call("range", 10_000_001),
        call("range", 0, call("length", "x")),
        call("range", 0, 10, 1, 4),
        call("format_string", "%1000d", 1),
        call("format_string", call("concat", "%"), 1),
        call("window", "t", "1 day", "1 minute"),
        call("window", "t", "1 month", "1 day"),
    ],
)
def test_beyond_bounds(node: Node) -> None:
    with pytest.raises(Refused):
        check_bounds(node)


@pytest.mark.parametrize(("columns", "is_allowed"), [(7, True), (8, False)])
def test_grouping_sets_are_counted(columns: int, is_allowed: bool) -> None:
    cube = Node("expressions.Cube", False, tuple(number(i) for i in range(columns)))
    plan = Node("plans.logical.Aggregate", True, (cube,))
    if is_allowed:
        check_bounds(plan)
    else:
        with pytest.raises(Refused):
            check_bounds(plan)


def test_numbers_are_found() -> None:
    assert find_number(number(7)) == 7
    assert find_number(number("1.5")) == 1.5
    assert find_number(Node("expressions.UnaryMinus", False, (number(7),))) == -7
    for node in (number(None), number(True), number("x"), call("abs", 1)):
        assert find_number(node) is None


def test_refused_constructs_have_words() -> None:
    assert name_construct("org.apache.spark.sql.catalyst.plans.logical.DropTable") == "drop table"
    assert name_construct("plans.logical.ScriptTransformation") == "TRANSFORM ... USING"
    assert name_construct("plans.logical.Command") == "a command"


@pytest.mark.parametrize(
    ("value", "type_", "expected"),
    [
        ("NaN", DoubleType(), None),
        ("NaN", StringType(), "NaN"),
        (1.5, DoubleType(), 1.5),
        (["Infinity", 1.0], ArrayType(DoubleType()), [None, 1.0]),
        ({"a": "-Infinity"}, MapType(StringType(), DoubleType()), {"a": None}),
        ({"x": "NaN"}, StructType([StructField("x", DoubleType())]), {"x": None}),
        ("2015-05-17T10:00:00.000000Z", TimestampType(), "2015-05-17T10:00:00Z"),
        ("2015-05-17T10:00:00.250000Z", TimestampType(), "2015-05-17T10:00:00.250000Z"),
        (None, ArrayType(DoubleType()), None),
    ],
)
def test_values_are_what_json_can_say(value: Any, type_: DataType, expected: Any) -> None:
    assert clean_value(value, type_) == expected


def test_answers_end_at_their_limits() -> None:
    columns = [Column("x", "string", StringType())]
    lines = ['{"c0":"ab"}'] * 3
    assert limit_answer(iter(lines), columns, 3, 1_000) == ([["ab"]] * 3, False)
    assert limit_answer(iter(lines), columns, 2, 1_000) == ([["ab"]] * 2, True)
    assert limit_answer(iter(lines), columns, 3, 2 * len(lines[0])) == ([["ab"]] * 2, True)


def test_names_become_unique() -> None:
    assert name_uniquely(["x", "y", "x", "x", "x_2"]) == ["x", "y", "x_2", "x_3", "x_2_2"]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "[UNRESOLVED_COLUMN] A column with name `x` cannot be resolved. Did "
            "you mean one of the following? [`events`.`os`]. SQLSTATE: 42703; line 1 pos 7;\n"
            "'Project ['x]\n+- Relation spark_catalog",
            "A column with name `x` cannot be resolved. Did you mean one of the following? "
            "[`events`.`os`].",
        ),
        (
            "[FAILED] Cannot read file:/srv/lake/silver/part-1.parquet with org.apache.x.Reader.",
            "Cannot read ... with ....",
        ),
        (
            "[X] The value '/page/1' is wrong, see /tmp/x/y.",
            "The value '/page/1' is wrong, see ...",
        ),
        ("[X] Nothing in `silver_events_12`.", "Nothing in silver_events."),
        (
            '[CAST] The value is malformed. If necessary set "spark.sql.ansi.enabled" to "false" '
            "to bypass this error. SQLSTATE: 22018",
            "The value is malformed.",
        ),
        ("{LINE:1} [X] Not supported.", "Not supported."),
        ("", "Spark could not run the statement."),
    ],
)
def test_messages_of_spark_are_cleaned(message: str, expected: str) -> None:
    assert clean_message(message) == expected
