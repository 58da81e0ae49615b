"""The last net: what no handler knew becomes a problem document, a log line and a report.

It stands inside the other middleware, so that a 500 carries the same headers as any answer.
"""

import errno
import socket

import structlog
from asyncpg import PostgresConnectionError
from asyncpg.exceptions import CannotConnectNowError, QueryCanceledError, TooManyConnectionsError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.errors import InternalError, ProblemError, UnavailableError, ValidationFailedError
from app.core.problems import from_http_exception, problem_response
from app.core.reports import report_fault

logger: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

NETWORK_ERRORS = (ConnectionError, TimeoutError, socket.gaierror)
# None: asyncio found several addresses of one name and could reach none.
NETWORK_ERRNOS = frozenset({None, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN})
# A full disk takes no upload's spool, a process without descriptors no file: both pass, nothing was kept.
EXHAUSTED_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE})
DATABASE_BUSY_ERRORS = (
    PoolTimeoutError,
    PostgresConnectionError,
    CannotConnectNowError,
    TooManyConnectionsError,
    QueryCanceledError,
)
# SQLSTATE classes: connection exception, transaction rollback (deadlock), insufficient resources, operator
# intervention (statement_timeout too); lock_timeout; and a server that was made read-only, or demoted.
BUSY_SQLSTATES = ("08", "40", "53", "57", "55P03", "25006")
UNTRANSLATABLE_CHARACTER = "22021"  # U+0000 that came by a form or a query string


class UnhandledErrorMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watching_send(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watching_send)
        except Exception as error:
            problem = to_problem(error, scope)
            report(error, problem)
            if started:  # half an answer is out: only a broken connection tells the client
                raise
            await problem_response(scope, problem)(scope, receive, send)


def to_problem(error: Exception, scope: Scope) -> ProblemError:
    """The catalogue's class for anything; nothing of the error's own text is public."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, HTTPException):
        return from_http_exception(error, scope)
    if is_unavailable(error):
        return UnavailableError()
    if _sqlstate(error) == UNTRANSLATABLE_CHARACTER:
        return ValidationFailedError("U+0000 is not allowed in a string")
    return InternalError()


def is_unavailable(error: Exception) -> bool:
    """The database was not reached, had no connection free or took no write; or a disk is full."""
    if isinstance(error, OSError):
        return isinstance(error, NETWORK_ERRORS) or error.errno in NETWORK_ERRNOS | EXHAUSTED_ERRNOS
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _sqlstate(error).startswith(BUSY_SQLSTATES)
    return isinstance(error, DATABASE_BUSY_ERRORS)


def _sqlstate(error: Exception) -> str:
    return str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")


def report(error: Exception, problem: ProblemError) -> None:
    if isinstance(problem, InternalError):
        logger.error("unhandled_error", exc_info=error)
        report_fault(error)
    elif problem.status >= InternalError.status:
        # No traceback: during an outage every request ends here. No text: SQLAlchemy's shows the parameters.
        logger.warning("unavailable", error=type(error).__name__, sqlstate=_sqlstate(error))
