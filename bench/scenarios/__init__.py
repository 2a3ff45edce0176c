"""Longer runs than `make bench`: backlogs, hours, history and many clients; one file a scenario.

`python -m bench.scenarios NAME`; what each one promises and measures: docs/bench.md.
"""
