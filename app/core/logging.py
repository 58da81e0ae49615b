"""Logs: structlog, one line an event, JSON in production; the standard library's loggers go the same way.

uvicorn, gunicorn, SQLAlchemy and procrastinate log through `logging`; their handlers are taken off, so that
every line has one form, one redaction and the request id. Of what they add to a line only its text is kept.
"""

import logging
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from functools import cache
from typing import Any, TextIO

import structlog
from pydantic_core import to_json
from structlog.types import EventDict, Processor, WrappedLogger
from typing_extensions import override

from app.core.redaction import is_plain, redact
from app.settings import Settings

# They bring handlers of their own.
ROUTED_LOGGERS = ("uvicorn", "uvicorn.error", "gunicorn.error")
# Our access log says it. With no handler at all uvicorn does not even put the line together.
SILENT_LOGGERS = ("uvicorn.access", "gunicorn.access")
_ROOT = logging.getLogger()
QUIET_LOGGERS = ("httpx2", "httpcore2", "asyncio", "procrastinate")


def redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The last processor before rendering: whatever was bound or formatted passes it."""
    cleaned: EventDict = event if is_plain(event) else redact(event)
    return cleaned


def render_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """What JSON has no form for is shown as Python shows it."""
    return to_json(event, fallback=repr, bytes_mode="hex", inf_nan_mode="constants").decode()


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
        prepared: Any = record.msg  # Any: a line of structlog's, as `finished` takes it
        return self.finished({**prepared}, record.levelname)

    def finished(self, event: Any, level: str) -> str:  # Any: a line of structlog's, until it is text
        # The first takes out what a record brought, which a line of ours has not.
        for processor in self.processors[1:]:
            event = processor(None, level, event)
        return str(event)


class LineHandler(logging.StreamHandler[TextIO]):
    """The one way out. What is ours need not become a record for it, which is half of what a line costs."""

    def __init__(self, stream: TextIO, lines: OwnLinesFirst) -> None:
        super().__init__(stream)
        self.setFormatter(lines)
        self._lines = lines

    def say(self, event: EventDict, level: str) -> None:
        """As `handle`: whatever fails is told on stderr, and never to whoever logs."""
        try:
            line = self._lines.finished(event, level) + self.terminator
            with self.lock or nullcontext():
                self.stream.write(line)
                self.stream.flush()
        except Exception:  # noqa: BLE001  # as above
            self.handleError(logging.makeLogRecord({"msg": event.get("event"), "levelname": level}))


class OwnLogger:
    """What structlog gives its lines to: our handler, or the standard library where others listen too."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.standard = logging.getLogger(name)

    def line(self, level: int, event: str, fields: dict[str, Any]) -> None:  # Any: whatever was logged
        """As `structlog.get_logger(name)` writes it, without two objects for each: every request has one."""
        if not self.standard.isEnabledFor(level):
            return
        name = logging.getLevelName(level)
        made: Any = {**fields, "event": event}  # Any: a dictionary, until the last of them
        try:
            for processor in structlog.get_config()["processors"]:
                made = processor(self, name.lower(), made)
        except structlog.DropEvent:
            return
        # Of `wrap_for_formatter` its arguments; of any other renderer the line itself.
        (line,), extra = made if isinstance(made, tuple) else ((made,), {})
        self._say(level, name, line, extra)

    def _say(self, level: int, name: str, event: Any, extra: dict[str, Any]) -> None:
        """`event` and `extra` are what `wrap_for_formatter` makes."""
        if not self.standard.isEnabledFor(level):
            return
        handlers = _ROOT.handlers
        if isinstance(event, dict) and len(handlers) == 1 and isinstance(handlers[0], LineHandler):
            handlers[0].say(event, name)
        else:
            self.standard.log(level, event, **extra)

    def debug(self, event: Any, **extra: Any) -> None:  # Any: as above
        self._say(logging.DEBUG, "DEBUG", event, extra)

    def info(self, event: Any, **extra: Any) -> None:  # Any: as above
        self._say(logging.INFO, "INFO", event, extra)

    def warning(self, event: Any, **extra: Any) -> None:  # Any: as above
        self._say(logging.WARNING, "WARNING", event, extra)

    def error(self, event: Any, **extra: Any) -> None:  # Any: as above
        self._say(logging.ERROR, "ERROR", event, extra)

    def critical(self, event: Any, **extra: Any) -> None:  # Any: as above
        self._say(logging.CRITICAL, "CRITICAL", event, extra)


def configure_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Call once, before anything logs. Calling again replaces what was configured."""
    _leave_unasked()
    shared = _shared_processors()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        logger_factory=line_logger,
        cache_logger_on_first_use=False,
    )
    handler = LineHandler(stream or sys.stdout, _formatter(shared, as_json=settings.log_as_json))
    handler.addFilter(JobTextFilter())
    _route_standard_loggers(handler, settings.log_level)


def _leave_unasked() -> None:
    """What no line of ours shows, and the library finds out for each: thread, process, file and line number.

    As its how-to says under "Optimization"; it is half of what a line costs.
    """
    logging.logThreads = logging.logMultiprocessing = logging.logProcesses = False
    logging._srcfile = None  # noqa: SLF001  # the how-to's own way


@cache
def line_logger(name: str = "root") -> OwnLogger:
    """As many as there are modules that log."""
    return OwnLogger(name)


def _shared_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _formatter(shared: Sequence[Processor], *, as_json: bool) -> OwnLinesFirst:
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
    _ROOT.handlers = [handler]
    _ROOT.setLevel(level)
    for name in ROUTED_LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
    for name in SILENT_LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = False
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(max(logging.WARNING, _ROOT.level))
