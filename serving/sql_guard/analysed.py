"""The second question, of what Spark's analyser made of the statement: does it hold anything else?

The first one judged names; here each name has become what it stands for. Tables must be this
statement's views, and every class of plan and expression must be listed.
"""

from __future__ import annotations

from collections.abc import Collection

from serving.sql_guard.nodes import ANALYSED_EXPRESSIONS, ANALYSED_PLANS, name_construct
from serving.sql_guard.refusal import Refused
from serving.sql_guard.tree import Node

_PACKAGE = "org.apache.spark.sql.catalyst."


def check_analysed(tree: Node, views: Collection[str], function_classes: Collection[str]) -> None:
    """Raises Refused. `function_classes`: see `functions.find_classes`."""
    for node in tree.walk():
        if node.is_plan:
            is_listed = node.name in ANALYSED_PLANS
        else:
            is_listed = (
                node.name in ANALYSED_EXPRESSIONS or f"{_PACKAGE}{node.name}" in function_classes
            )
        if not is_listed:
            construct = name_construct(node.name)
            raise Refused(construct, f"{construct} is not allowed.", node.place)
        if node.name == "plans.logical.View" and node.detail["view"] not in views:
            raise Refused("table", "There is no such table.", node.place)
        if node.detail.get("parts") == ["_metadata"]:
            raise Refused("column", "There is no column _metadata.", node.place)
