"""Logs: structlog, one line an event, JSON in production; the standard library's loggers go the same way.

uvicorn, gunicorn, SQLAlchemy and procrastinate log through `logging`; their handlers are taken off, so that
every line has one form, one redaction and the request id. Of what they add to a line only its text is kept.
"""

import json
import logging
import sys
from collections.abc import Sequence
from typing import Any, TextIO

import structlog
from structlog.types import EventDict, Processor, WrappedLogger
from typing_extensions import override

from app.core.redaction import redact
from app.settings import Settings

# They bring handlers of their own, or say at INFO what our access log says already.
ROUTED_LOGGERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "gunicorn.error", "gunicorn.access")
# Made once: `json.dumps` makes one a line. What is no JSON is shown as Python shows it.
_ENCODER = json.JSONEncoder(ensure_ascii=False, default=repr)
QUIET_LOGGERS = ("uvicorn.access", "gunicorn.access", "httpx2", "httpcore2", "asyncio", "procrastinate")


def redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The last processor before rendering: whatever was bound or formatted passes it."""
    cleaned: EventDict = redact(event)
    return cleaned


def render_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return _ENCODER.encode(event)


class JobTextFilter(logging.Filter):
    """procrastinate quotes a job's arguments, addresses too; `app/worker/tries.py` tells what failed."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        if hasattr(record, "job") or hasattr(record, "jobs"):
            record.msg, record.args = str(getattr(record, "action", "job")), ()
            record.exc_info = record.exc_text = None
        return True


class OwnLinesFirst(structlog.stdlib.ProcessorFormatter):
    """A line of ours comes prepared; only a library's record is copied, translated and formatted."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        if not hasattr(record, "_logger"):
            return super().format(record)
        # A copy, as other handlers are given the same.
        prepared: Any = record.msg  # Any: a line of structlog's, until the last processor makes it text
        event: Any = {**prepared, "_record": record, "_from_structlog": True}  # Any: as above
        for processor in self.processors:
            event = processor(None, record.levelname, event)
        return str(event)


def configure_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Call once, before anything logs. Calling again replaces what was configured."""
    _leave_unasked()
    shared = _shared_processors()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        logger_factory=_named,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(_formatter(shared, as_json=settings.log_as_json))
    handler.addFilter(JobTextFilter())
    _route_standard_loggers(handler, settings.log_level)


def _leave_unasked() -> None:
    """What no line of ours shows, and the library finds out for each: thread, process, file and line number.

    As its how-to says under "Optimization"; it is half of what a line costs.
    """
    logging.logThreads = logging.logMultiprocessing = logging.logProcesses = False
    logging._srcfile = None  # noqa: SLF001  # the how-to's own way


def _named(*name: str) -> logging.Logger:
    """Not structlog's factory, whose loggers look for the caller's file themselves."""
    return logging.getLogger(*name)


def _shared_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _formatter(shared: Sequence[Processor], *, as_json: bool) -> logging.Formatter:
    renderer: Processor = (
        render_json
        if as_json
        # Its default shows every frame's locals.
        else structlog.dev.ConsoleRenderer(
            colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    return OwnLinesFirst(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            # A traceback becomes text before redaction, which then reads it too; no frame's locals in it.
            structlog.processors.format_exc_info,
            redact_event,
            renderer,
        ],
    )


def _route_standard_loggers(handler: logging.Handler, level: str) -> None:
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in ROUTED_LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
