"""Log lines: one event each, with the ids that say what it is about."""

from __future__ import annotations

import logging
import sys

import structlog

from shared.runtime.errors import SettingError


def configure_logging(service: str, *, as_json: bool, level: str) -> None:
    """Write structured lines to standard error; standard output belongs to commands' results."""
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise SettingError("ONRECORD_LOG_LEVEL", f"is {level!r}: use debug, info, warning or error")
    renderer = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([structlog.processors.format_exc_info] if as_json else []),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(service=service)
