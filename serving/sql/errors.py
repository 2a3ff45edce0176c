"""What Spark says of a statement, as an answer: its words, the place, and nothing about the inside.

Spark's messages carry plans, paths, class names and stack traces; what is answered is its first
sentence where it is about the statement, and a plain one where it is not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from serving.sql_guard.refusal import Place, locate
from serving.sql_guard.rewrite import Edit, apply_edits, find_original

MAX_MESSAGE = 600
_UNKNOWN = "Spark could not run the statement."
# Conditions that are about the engine and its files, not about the statement.
_INSIDE = re.compile(
    r"^(INTERNAL_|FAILED_READ_FILE|FAILED_EXECUTE|DELTA_|_LEGACY_|CANNOT_LOAD|SPARK_)"
)
_TAIL = re.compile(
    r"\s*(SQLSTATE:|== SQL|; line \d+ pos|\n'|\n[A-Z+:]\w*.* \[|JVM stacktrace|\n\s+at )"
)
_CONDITION = re.compile(r"^\s*(?:\{LINE:\d+\}\s*)?\[[A-Z0-9_.]+\]\s*")
# Of this machine; the path of a page may be in a message, for it is in the data.
_PATH = re.compile(
    r"\b(?:file|s3a?|hdfs|abfss?|gs|wasbs?):/[^\s,;`'\"]*"
    r"|(?<![\w.`])/(?:tmp|home|root|usr|opt|var|srv|mnt|etc|private|Users|work)/[^\s,;`'\"]*"
)
_CLASS = re.compile(r"\b(?:[a-z_][\w]*\.){2,}[A-Z][\w$]*")
# Our views carry a number that nobody asked about.
_VIEW = re.compile(r"`?\b((?:silver|gold)_\w+?)_\d+\b`?")
# A setting of the session is not the reader's to change.
_ADVICE = re.compile(
    r"\s*(?:If necessary,? )?(?:[Ss]et|[Cc]onsider setting) [^.]*?[\"`]?spark\.sql\.[\w.]+[\"`]? "
    r"to [\"`]?\w+[\"`]?[^.]*\."
)


def explain_spark_error(
    error: PySparkException | Py4JJavaError, text: str, edits: Sequence[Edit]
) -> tuple[str, dict[str, Any]]:
    """Message and details for the answer, from an error of parser, analyser or execution."""
    condition, message, place = _read_error(error)
    if condition is None or _INSIDE.match(condition):
        return _unknown(error), {}
    details: dict[str, Any] = {"condition": condition}
    place = place or _find_position(message, apply_edits(text, edits))
    if place is not None:
        details |= locate(text, find_original(place, edits))
    return clean_message(message), details


def _read_error(
    error: PySparkException | Py4JJavaError,
) -> tuple[str | None, str, Place | None]:
    """Condition, message and place, of the deepest cause that has a condition."""
    found: tuple[str | None, str, Place | None] = (None, "", None)
    cause = _java_of(error)
    for _ in range(10):
        if cause is None:
            break
        if condition := _ask(cause, "getCondition"):
            message = str(cause.getMessage())
            found = str(condition), message, _find_place(cause)
        cause = cause.getCause()
    if found[0] is None and isinstance(error, PySparkException) and error.getCondition():
        return str(error.getCondition()), str(error), None
    return found


def _java_of(error: PySparkException | Py4JJavaError) -> Any:
    if isinstance(error, Py4JJavaError):
        return error.java_exception
    return getattr(error, "_origin", None)


def _ask(found: Any, method: str) -> Any:
    """What a method says; None where there is no such method."""
    try:
        return getattr(found, method)()
    except Exception:
        return None


def _find_place(cause: Any) -> Place | None:
    contexts = _ask(cause, "getQueryContext")
    for context in contexts or ():
        if _ask(context, "contextType") is not None and str(context.contextType()) == "SQL":
            start, stop = int(context.startIndex()), int(context.stopIndex())
            return Place(start, stop) if start >= 0 else None
    return None


def _find_position(message: str, edited: str) -> Place | None:
    """The place that a message names as `line 1, pos 7`."""
    named = re.search(r"\bline (\d+),? pos (\d+)", message)
    if named is None:
        return None
    lines = edited.splitlines(keepends=True)[: int(named[1])]
    start = sum(len(line) for line in lines[:-1]) + int(named[2])
    return Place(start, start)


def _unknown(error: PySparkException | Py4JJavaError) -> str:
    text = str(error)
    if "StackOverflowError" in text:
        return "The statement is too deeply nested."
    if "OutOfMemoryError" in text:
        return "The statement needs more memory than it may have (serving.sql.spark.driver_memory)."
    return _UNKNOWN


def clean_message(message: str) -> str:
    """The first part of a message, without paths, classes and our own names."""
    text = _CONDITION.sub("", message.strip())
    if cut := _TAIL.search(text):
        text = text[: cut.start()]
    for pattern, replacement in ((_ADVICE, ""), (_PATH, "..."), (_CLASS, "..."), (_VIEW, r"\1")):
        text = pattern.sub(replacement, text)
    text = " ".join(text.split())
    return text[:MAX_MESSAGE] if text else _UNKNOWN
