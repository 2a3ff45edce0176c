"""Prepared plans do what the methods of a DataFrame do."""

from __future__ import annotations

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from streaming.prepared import (
    find_untouched,
    prepare_aggregation,
    prepare_columns,
    prepare_selection,
    prepare_steps,
)


@pytest.fixture
def rows(spark: SparkSession) -> DataFrame:
    values = [(1, 2, "x", None), (3, 4, "y", 0.5), (3, 6, None, 1.5)]
    return spark.createDataFrame(values, "a int, b int, name string, share double")


def test_columns_are_added_and_replaced_in_their_place(rows: DataFrame) -> None:
    columns = {"sum": F.expr("a + b"), "a": F.expr("a * 10")}
    assert_df_equality(prepare_columns(columns)(rows), rows.withColumns(columns))


def test_a_selection_takes_names_and_columns(rows: DataFrame) -> None:
    selected = ["name", F.expr("a + b").alias("sum")]
    assert_df_equality(prepare_selection(selected)(rows), rows.select(*selected))


def test_an_aggregation_has_its_keys_and_all_values(rows: DataFrame) -> None:
    values = [F.sum("b").alias("b"), F.count("name").alias("names")]
    made = prepare_aggregation(["a"], values)(rows)
    assert_df_equality(made, rows.groupBy("a").agg(*values), ignore_row_order=True)


def test_prepared_once_it_serves_other_rows(rows: DataFrame) -> None:
    double = prepare_columns({"b": F.expr("b * 2")})
    assert [row.b for row in double(rows.where("a = 1")).collect()] == [4]
    assert [row.b for row in double(rows.where("a = 3")).collect()] == [8, 12]


def test_steps_carry_what_none_of_them_names(rows: DataFrame) -> None:
    steps = ({"sum": F.expr("a + b")}, {"a": F.expr("sum + length(name)")})
    assert find_untouched(steps, rows.columns) == ["share"]
    made = prepare_steps(steps, rows.columns, ("share", "sum", "a", "name"))(rows)
    plain = rows.withColumns(steps[0]).withColumns(steps[1])
    assert_df_equality(made, plain.select("share", "sum", "a", "name"))


def test_a_column_that_is_only_replaced_is_not_carried(rows: DataFrame) -> None:
    steps = ({"share": F.lit(2.0)},)
    assert find_untouched(steps, rows.columns) == ["a", "b", "name"]
    made = prepare_steps(steps, rows.columns, ("name", "share"))(rows).collect()
    assert [tuple(row) for row in made] == [("x", 2.0), ("y", 2.0), (None, 2.0)]
