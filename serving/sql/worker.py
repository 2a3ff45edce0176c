"""The process that runs the SQL of users: one statement at a time, and expendable.

Started and killed by `serving.sql.pool`, which sends it its configuration and then requests, one
JSON object a line, over a socket. It has its own JVM, no keys and no secrets, and low priority. A
statement that runs too long or takes too much memory ends with the process (docs/adr/0009).
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterable
from typing import Any

from serving.delta_log import TableState
from serving.gold_reader import GoldReader
from serving.session import start_session
from serving.sql.answer import Answer
from serving.sql.engine import SqlEngine, SqlFailed, SqlLimits
from serving.sql.request import SqlRequest
from serving.sql_guard.refusal import Refused
from settings.jvm import DRIVER_OPTIONS
from settings.section import SparkSettings
from settings.sql import SqlSettings

# An error of memory ends the JVM at once instead of leaving it half alive.
_JAVA_OPTIONS = f"{DRIVER_OPTIONS} -XX:+ExitOnOutOfMemoryError -Xss4m"


def main(descriptor: int) -> None:
    """Serve requests from a socket until it is closed."""
    channel = socket.socket(fileno=descriptor)
    threading.Thread(target=_end_with_parent, args=(channel,), daemon=True).start()
    lines = channel.makefile("rb")
    config = json.loads(lines.readline())
    settings = SqlSettings.model_validate(config["sql"])
    _limit_self(settings)
    engine = start_engine(settings, config["lake"])
    _send(channel, {"ready": True})
    for line in lines:
        _send(channel, answer_request(engine, json.loads(line)))


def start_engine(settings: SqlSettings, lake_root: str) -> SqlEngine:
    folder = tempfile.gettempdir()  # ours alone, and removed with us
    conf = {
        "spark.driver.extraJavaOptions": f"{_JAVA_OPTIONS} -Djava.io.tmpdir={folder}",
        "spark.local.dir": folder,
        "spark.sql.warehouse.dir": f"file://{folder}/warehouse",
        **settings.spark.conf,
    }
    spark_settings: SparkSettings = settings.spark.model_copy(update={"conf": conf})
    spark = start_session(spark_settings)
    limits = SqlLimits(settings.max_length, settings.max_answer_bytes, settings.max_scan_bytes)
    return SqlEngine(spark, GoldReader(spark, lake_root), limits)


def answer_request(engine: SqlEngine, request: dict[str, Any]) -> dict[str, Any]:
    """`answer`, or why there is none: `refused` by the guard, `failed` in Spark."""
    asked = SqlRequest(
        sql=request["sql"],
        limit=request["limit"],
        states={name: TableState(**state) for name, state in request["states"].items()},
        sites=None if request["sites"] is None else tuple(request["sites"]),
    )
    try:
        return {"answer": _write_answer(engine.run(asked))}
    except Refused as refused:
        return {"refused": {"message": refused.message, "details": refused.describe(asked.sql)}}
    except SqlFailed as failed:
        return {"failed": {"message": failed.message, "details": failed.details}}


def _write_answer(answer: Answer) -> dict[str, Any]:
    return {
        "columns": [{"name": column.name, "type": column.type} for column in answer.columns],
        "rows": answer.rows,
        "truncated": answer.truncated,
        "tables": answer.tables,
        "elapsed_ms": round(answer.elapsed_s * 1000),
    }


def _limit_self(settings: SqlSettings) -> None:
    """Stand back for the rest of the machine, and write no file larger than allowed."""
    os.nice(settings.niceness)
    resource.setrlimit(resource.RLIMIT_FSIZE, (settings.max_spill_bytes,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _end_with_parent(channel: socket.socket) -> None:
    """Whatever runs: when nobody waits for it any more, this process and its JVM end."""
    poll = select.poll()
    poll.register(channel, getattr(select, "POLLRDHUP", select.POLLHUP))
    poll.poll()
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _send(channel: socket.socket, message: dict[str, Any]) -> None:
    text = json.dumps(message, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    channel.sendall(text.encode() + b"\n")


def _read_arguments(arguments: Iterable[str]) -> int:
    (descriptor,) = arguments
    return int(descriptor)


if __name__ == "__main__":
    main(_read_arguments(sys.argv[1:]))
