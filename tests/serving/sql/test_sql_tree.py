"""Nothing that a node of Spark holds is missing from what the guard looks at."""

from __future__ import annotations

from collections import Counter
from typing import Any

from py4j.java_gateway import JavaObject, is_instance_of

from serving.sql.engine import SqlEngine
from serving.sql_guard.tree import Node, read_tree
from tests.serving.sql.corpus import read_honest

CATALYST = "org.apache.spark.sql.catalyst."


def test_every_node_within_a_node_is_found(engine: SqlEngine) -> None:
    """Everything in the constructor arguments of a node, however deep, is a node below it."""
    parser = engine.spark._jsparkSession.sessionState().sqlParser()
    jvm: Any = engine.spark._jvm
    gateway = engine.spark.sparkContext._gateway
    node_class = jvm.java.lang.Class.forName(f"{CATALYST}trees.TreeNode")
    seen: set[str] = set()

    def hold(value: Any) -> list[Any]:
        """The nodes in a value: itself, or what collections in it hold."""
        if not isinstance(value, JavaObject):
            return []
        if node_class.isInstance(value):
            return [value]
        if is_instance_of(gateway, value, "scala.Option"):
            return hold(value.get()) if value.isDefined() else []
        if is_instance_of(gateway, value, "scala.collection.Iterable"):
            items = value.toSeq()
            return [node for i in range(items.size()) for node in hold(items.apply(i))]
        if is_instance_of(gateway, value, "scala.Product"):
            return [n for i in range(value.productArity()) for n in hold(value.productElement(i))]
        return []

    def count(found: Any, into: Counter[str]) -> None:
        name = found.getClass().getName().removeprefix(CATALYST)
        into[name] += 1
        for index in range(found.productArity()):
            for node in hold(found.productElement(index)):
                count(node, into)

    for sql in read_honest():
        plan = parser.parsePlan(sql)
        read = Counter(node.name for node in walk(read_tree(plan)))
        if seen.issuperset(read):
            continue
        seen |= read.keys()
        held: Counter[str] = Counter()
        count(plan, held)
        assert held - read == Counter(), sql
    assert len(seen) > 70


def walk(node: Node) -> list[Node]:
    return list(node.walk())
