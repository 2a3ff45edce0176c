"""What runs gives the right rows, of the right versions and sites, and says what is wrong."""

from __future__ import annotations

import os
from typing import Any

import pytest

from serving.sql.engine import SqlEngine, SqlFailed, SqlLimits
from serving.sql.request import SqlRequest
from serving.sql.tables import READABLE
from serving.sql_guard.refusal import Refused
from tests.serving.lake import make_events, make_sessions
from tests.serving.sql.conftest import Ask


def test_rows_are_those_of_the_tables(ask: Ask) -> None:
    answer = ask("SELECT site_id, count(*) AS n FROM silver.events GROUP BY 1 ORDER BY 1")
    events = make_events()
    expected = [
        [site, sum(event["site_id"] == site for event in events)] for site in ("blog", "shop")
    ]
    assert answer.rows == expected
    assert [(column.name, column.type) for column in answer.columns] == [
        ("site_id", "string"),
        ("n", "bigint"),
    ]
    assert answer.tables == ["silver.events"]
    assert not answer.truncated


def test_page_views_are_the_events_of_that_type(ask: Ask) -> None:
    views = [event for event in make_events() if event["event_type"] == "page_view"]
    assert ask("SELECT count(*) FROM silver.page_views").rows == [[len(views)]]


def test_silver_and_gold_agree(ask: Ask) -> None:
    answer = ask(
        "SELECT (SELECT sum(sessions) FROM gold.sessions), (SELECT count(*) FROM silver.sessions)"
    )
    assert answer.rows == [[len(make_sessions())] * 2]
    assert answer.tables == ["gold.sessions", "silver.sessions"]


@pytest.mark.parametrize("table", sorted(READABLE))
def test_no_table_shows_other_sites(ask: Ask, table: str) -> None:
    sql = f"SELECT DISTINCT site_id FROM {table}"
    assert {row[0] for row in ask(sql).rows} == {"blog", "shop"}
    assert ask(sql, sites=("shop",)).rows == [["shop"]]
    assert ask(sql, sites=("it's another",)).rows == []
    assert ask(sql, sites=()).rows == []


def test_subqueries_do_not_show_other_sites(ask: Ask) -> None:
    sql = "WITH a AS (SELECT site_id s FROM silver.events) SELECT (SELECT count(DISTINCT s) FROM a)"
    assert ask(sql, sites=("shop",)).rows == [[1]]


def test_rows_of_other_sites_are_gone_before_anything_is_computed(ask: Ask) -> None:
    """Or an error would quote them."""
    sql = """
        SELECT count(*) FROM silver.events
        WHERE CAST(if(site_id = 'blog', 'secret', '1') AS INT) = 1
    """
    shop = sum(event["site_id"] == "shop" for event in make_events())
    assert ask(sql, sites=("shop",)).rows == [[shop]]
    with pytest.raises(SqlFailed, match="secret"):
        ask(sql)


@pytest.mark.parametrize(
    ("expression", "type_", "value"),
    [
        ("CAST(1.50 AS DECIMAL(10, 2))", "decimal(10,2)", 1.5),
        ("TIMESTAMP '2015-05-17 10:00:00.25+02:00'", "timestamp", "2015-05-17T08:00:00.250000Z"),
        ("DATE '2015-05-17'", "date", "2015-05-17"),
        ("x'0102'", "binary", "AQI="),
        ("CAST('NaN' AS DOUBLE)", "double", None),
        ("array(1.5D, CAST('Infinity' AS DOUBLE))", "array<double>", [1.5, None]),
        ("map('a', DATE '2015-05-17')", "map<string,date>", {"a": "2015-05-17"}),
        ("named_struct('a', 1, 'b', NULL)", "struct<a:int,b:void>", {"a": 1, "b": None}),
        ("9223372036854775807", "bigint", 9223372036854775807),
        ("parse_json('{\"a\": [1]}')", "variant", {"a": [1]}),
        ("'é\"\\n'", "string", 'é"\n'),
        ("NULL", "void", None),
        # No variable of the environment is put in.
        ("'${env:HOME} ${system:user.home}'", "string", "${env:HOME} ${system:user.home}"),
    ],
)
def test_values_have_their_form_in_json(ask: Ask, expression: str, type_: str, value: Any) -> None:
    answer = ask(f"SELECT {expression} AS x")
    assert (answer.columns[0].type, answer.rows) == (type_, [[value]])
    assert os.environ["HOME"] not in str(answer.rows)


def test_columns_may_have_the_same_name(ask: Ask) -> None:
    answer = ask("SELECT 1 AS x, 2 AS x, 3 AS `a.b`")
    assert [column.name for column in answer.columns] == ["x", "x", "a.b"]
    assert answer.rows == [[1, 2, 3]]


def test_order_and_limit_are_kept(ask: Ask) -> None:
    answer = ask("SELECT id FROM range(100) ORDER BY id DESC", limit=3)
    assert answer.rows == [[99], [98], [97]]
    assert answer.truncated
    assert not ask("SELECT id FROM range(3)", limit=3).truncated


def make_engine(engine: SqlEngine, **limits: int) -> SqlEngine:
    given = {"max_length": 20_000, "max_bytes": 10_000_000, "max_scan_bytes": 10_000_000, **limits}
    return SqlEngine(engine.spark, engine.reader, SqlLimits(**given))


def run(engine: SqlEngine, sql: str) -> Any:
    return engine.run(SqlRequest(sql, 100, engine.reader.read_states()))


def test_an_answer_that_is_too_large_is_cut(engine: SqlEngine) -> None:
    answer = run(make_engine(engine, max_bytes=1_000), "SELECT repeat('x', 300) FROM range(50)")
    assert answer.truncated
    assert len(answer.rows) == 3


def test_what_reads_too_much_is_refused(engine: SqlEngine) -> None:
    small = make_engine(engine, max_scan_bytes=1_000)
    with pytest.raises(Refused, match="would read"):
        run(small, "SELECT count(DISTINCT page_path) FROM silver.events")
    assert run(small, "SELECT 1").rows == [[1]]
    # Files of other days are not counted.
    assert run(small, "SELECT * FROM silver.events WHERE event_date = '1999-01-01'").rows == []


def test_what_is_too_long_or_too_deep_is_refused(engine: SqlEngine) -> None:
    with pytest.raises(Refused, match="at most 100"):
        run(make_engine(engine, max_length=100), f"SELECT {'1' * 100}")
    for deep in ("+".join(["1"] * 500), "(" * 3_000 + "1" + ")" * 3_000, "- " * 3_000 + "1"):
        with pytest.raises((Refused, SqlFailed)):
            run(engine, f"SELECT {deep}")


def test_versions_are_those_of_the_request(engine: SqlEngine) -> None:
    states = engine.reader.read_states()
    del states["gold.pages"]
    with pytest.raises(Refused, match="There is no table 'gold.pages'"):
        engine.run(SqlRequest("SELECT * FROM gold.pages", 1, states))


def test_nothing_is_left_behind(engine: SqlEngine, ask: Ask) -> None:
    ask("SELECT count(*) FROM silver.events")
    with pytest.raises(SqlFailed):
        ask("SELECT nothing FROM silver.events")
    assert engine.spark.catalog.listTables() == []


@pytest.mark.parametrize(
    ("sql", "message", "given", "line", "column"),
    [
        ("SELECT 1,\n wrong FROM silver.events", "`wrong` cannot be resolved", "wrong", 2, 2),
        ("SELECT 1 FROM silver.events,\n gold.pages WHERE wrong", "`wrong`", "wrong", 2, 19),
        ("SELECT 1/0", "try_divide", "1/0", 1, 8),
        (
            "SELECT CAST(page_path AS INT) FROM silver.events",
            "try_cast",
            "CAST(page_path AS INT)",
            1,
            8,
        ),
        ("SELECT (1", "Syntax error", None, 1, None),
        ("SELECT upper(1, 2)", "parameter", "upper(1, 2)", 1, 8),
        ("SELECT 'open", "", None, 1, None),
        ("SELECT site_id FROM silver.events UNION SELECT 1, 2", "columns", None, 1, None),
    ],
)
def test_errors_of_spark_say_what_and_where(
    ask: Ask, sql: str, message: str, given: str | None, line: int, column: int | None
) -> None:
    with pytest.raises(SqlFailed) as raised:
        ask(sql)
    details = raised.value.details
    assert message in raised.value.message
    assert details.get("line") == line
    if given:
        assert (details["given"], details["column"]) == (given, column)
    for word in ("org.apache", "silver_events_", "file:", "+- ", "SQLSTATE", "== SQL"):
        assert word not in raised.value.message


def test_refusals_say_what_and_where(ask: Ask) -> None:
    sql = "SELECT 1,\n  reflect('java.lang.System', 'exit', 1)"
    with pytest.raises(Refused, match="reflect is not allowed. Calls Java") as raised:
        ask(sql)
    assert raised.value.describe(sql) == {
        "construct": "function",
        "line": 2,
        "column": 3,
        "given": "reflect('java.lang.System', 'exit', 1)",
    }
