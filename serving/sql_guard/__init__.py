"""Decides which SQL may run: Spark's own parser reads it, allowlists judge what was read.

The way of a statement: `parsed` (its text as a tree, before Spark looks anything up or runs
anything) -> `rewrite` (tables of the contract become the reader's views) -> Spark's analyser ->
`analysed` (the same question again, of what Spark made of it). `tree` turns both of Spark's trees
into plain nodes. What is not listed in `nodes` and `functions.yaml` is refused.
"""
