"""A span for each statement, named by its verb and table: neither its text nor its parameters are kept."""

import re
from collections.abc import Awaitable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from opentelemetry.trace import Span
from sqlalchemy import Connection, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.interfaces import ExecutionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.tracing import begin_part, is_tracing, note_failure

# The first table or function that a statement names, in our own lower-case SQL and SQLAlchemy's.
_OBJECT = re.compile(r'\b(?:FROM|INTO|UPDATE|JOIN)\s+(?:ONLY\s+)?"?([a-z_][a-z0-9_]*)', re.IGNORECASE)
_FUNCTION = re.compile(r"^SELECT\s+([a-z_][a-z0-9_]*)\(", re.IGNORECASE)

Outcome = TypeVar("Outcome")
_open: WeakKeyDictionary[ExecutionContext, Span] = WeakKeyDictionary()


def trace_statements(engine: AsyncEngine) -> None:
    event.listen(engine.sync_engine, "before_cursor_execute", _begin)
    event.listen(engine.sync_engine, "after_cursor_execute", _end)
    event.listen(engine.sync_engine, "handle_error", _fail)


def summary_of(statement: str) -> str:
    """`SELECT summaries`, `UPDATE webhooks`, `SELECT set_config`; the verb alone where there is no table."""
    verb = (statement.split(None, 1) or ["?"])[0].upper()
    found = _FUNCTION.search(statement.lstrip()) or _OBJECT.search(statement)
    return f"{verb} {found.group(1)}" if found else verb


def attributes_of(summary: str) -> dict[str, str]:
    """OpenTelemetry's names for what a summary says."""
    return {
        "db.system.name": "postgresql",
        "db.operation.name": summary.partition(" ")[0],
        "db.query.summary": summary,
    }


async def waited(summary: str, shared: Awaitable[Outcome]) -> Outcome:
    """A caller's wait for a statement that others share, and whose own span is in nobody's trace."""
    begun = begin_part(summary, attributes=attributes_of(summary)) if is_tracing() else None
    if begun is None:
        return await shared
    try:
        return await shared
    except BaseException as error:
        _note(begun, error.orig or error if isinstance(error, DBAPIError) else error)
        raise
    finally:
        begun.end()


def _note(failed: Span, error: BaseException) -> None:
    # SQLAlchemy's own class for it says less than the driver's.
    note_failure(failed, error.__cause__ or error)


def _begin(
    _connection: Connection,
    _cursor: Any,  # Any: the driver's
    statement: str,
    _parameters: Any,  # Any: as above
    context: ExecutionContext,
    _many: bool,  # noqa: FBT001  # SQLAlchemy's own protocol for this event
) -> None:
    summary = summary_of(statement)
    if (begun := begin_part(summary, attributes=attributes_of(summary))) is not None:
        _open[context] = begun


def _end(*arguments: Any) -> None:  # Any: as the other event's
    context: ExecutionContext = arguments[4]
    if (begun := _open.pop(context, None)) is not None:
        begun.end()


def _fail(failure: ExceptionContext) -> None:
    context = failure.execution_context
    begun = _open.pop(context, None) if context is not None else None
    if begun is not None:
        _note(begun, failure.original_exception)
        begun.end()
