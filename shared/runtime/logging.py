"""Log lines: one event each, with the ids that say what it is about."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import TextIO, cast

import structlog

from shared.runtime.errors import SettingError


class Lines:
    """Where log lines go. That nobody takes them any more is no fault of who writes them, and ends nothing."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):  # the pipe is broken, the disk full, or the file closed
            self._file.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._file.flush()


def configure_logging(service: str, *, as_json: bool, level: str) -> None:
    """Write structured lines to standard error; standard output belongs to commands' results."""
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise SettingError("ONRECORD_LOG_LEVEL", f"is {level!r}: use debug, info, warning or error")
    # Plain tracebacks: the coloured ones take a third of a second each, and print local variables, secrets among them.
    console = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    renderer = structlog.processors.JSONRenderer() if as_json else console
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([structlog.processors.format_exc_info] if as_json else []),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", Lines(sys.stderr))),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)  # what it cannot do, the bus says in its own words
