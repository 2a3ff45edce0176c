"""Logging: one line per event, human on a terminal, JSON otherwise, times in UTC.

From structlog loggers and from the standard library's, ours and other people's, to stderr.
A line says what `structlog.get_logger().bind(flow=...)` or `structlog.contextvars` bound to it.
"""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.types import Processor

from settings.model import Settings

# These tell every request or every call to the JVM; warnings are enough.
_TALKATIVE = ("uvicorn", "uvicorn.error", "uvicorn.access", "py4j", "asyncio")


def configure_logging(settings: Settings) -> None:
    """Route all logging of this process; calling it again replaces what was set."""
    is_human = settings.log.format == "human" or (
        settings.log.format == "auto" and sys.stderr.isatty()
    )
    steps: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *steps,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*steps, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_render_steps(is_human),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log.level.upper())
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
        logger.setLevel(max(logging.WARNING, root.level))


def _render_steps(is_human: bool) -> list[Processor]:
    if is_human:
        return [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    return [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(default=str),
    ]
