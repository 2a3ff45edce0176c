"""`POST /query`, from the event loop to rows: read pool, worker, engine, answer, in this order.

What may run is decided by `serving.sql_guard`.
"""
