"""WS /ws/summaries: who may come in, and how they say who they are."""

import asyncio
import contextlib

import structlog
from fastapi import APIRouter, WebSocket
from sqlalchemy.exc import SQLAlchemyError
from starlette.websockets import WebSocketDisconnect

from app.core.db import Database
from app.core.errors import ProblemError, RateLimitedError
from app.core.guard import InvalidCredentialError, count_bad_credential, verify
from app.core.limits import AsyncLimiter, address_of
from app.core.middleware.query_secrets import CredentialInQueryError, credential_in
from app.core.principal import Principal, Scope
from app.core.problems import problem_response
from app.core.same_origin import CrossSiteRequestError
from app.summaries.progress.conversation import (
    Code,
    Conversation,
    HungUpError,
    receive_message,
)
from app.summaries.progress.desk import ProgressDesk
from app.summaries.progress.errors import StreamsFullError, TooManyStreamsError
from app.summaries.progress.origins import is_welcome
from app.summaries.progress.schemas import Introduction

PROTOCOL = "precis.v1"
TICKET_PREFIX = "ticket."
CLOSE_SECONDS = 5.0
OUT_OF_REACH = (SQLAlchemyError, OSError)

router = APIRouter()
log = structlog.get_logger(__name__)


@router.websocket("/ws/summaries")
async def summaries(websocket: WebSocket) -> None:
    """Progress of all my summaries, or of those that I name."""
    try:
        refuse_unwelcome(websocket)
        await Reception(websocket).serve()
    except ProblemError as error:
        # Raised before anything was accepted: HTTP's own answer.
        await websocket.send_denial_response(problem_response(websocket.scope, error))


def refuse_unwelcome(websocket: WebSocket) -> None:
    """Raises ProblemError."""
    if not is_welcome(websocket):
        raise CrossSiteRequestError(hint="Add the page's origin to CORS_ORIGINS.")
    name = credential_in(websocket.scope["query_string"])
    if name is not None:
        raise CredentialInQueryError(f"The query parameter {name!r} may hold a credential")
    if websocket.app.state.draining:
        raise StreamsFullError


class Reception:
    """From the handshake to the last word."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._desk: ProgressDesk = websocket.app.state.progress
        self._limiter: AsyncLimiter = websocket.app.state.limiter

    async def serve(self) -> None:
        """Raises StreamsFullError, TooManyStreamsError before it accepts, and nothing after that."""
        began = asyncio.get_running_loop().time()
        code: int | None = None
        with self._desk.slots.in_process("websocket"):
            try:
                await self._talk()
            except HungUpError as error:
                code = error.code
                await self._close(error)
            except WebSocketDisconnect as gone:
                code = gone.code
        seconds = round(asyncio.get_running_loop().time() - began, 1)
        log.info("websocket_closed", code=code, seconds=seconds)

    async def _talk(self) -> None:
        with self._desk.slots.unknown(address_of(self._websocket)):
            principal = await self._introduced()
        try:
            with self._desk.slots.of(principal):
                async with self._desk.hub.watching(principal, None) as watch:
                    await Conversation(self._websocket, watch, self._desk, self._database).run()
        except TooManyStreamsError as error:
            raise HungUpError(Code.TOO_MANY, error.title) from error
        except OUT_OF_REACH as error:
            raise HungUpError(Code.TRY_LATER, "temporarily unavailable") from error

    @property
    def _database(self) -> Database:
        database: Database = self._websocket.app.state.database
        return database

    async def _introduced(self) -> Principal:
        """Raises HungUpError, WebSocketDisconnect."""
        offered: list[str] = self._websocket.scope["subprotocols"]
        await self._websocket.accept(subprotocol=PROTOCOL if PROTOCOL in offered else None)
        try:
            async with asyncio.timeout(self._desk.pace.introduction):
                principal = await self._verified(offered)
        except TimeoutError as error:
            raise HungUpError(Code.TOO_LATE, "say at once who you are") from error
        except RateLimitedError as error:
            raise HungUpError(Code.TOO_MANY, error.title) from error
        except ProblemError as error:
            raise HungUpError(Code.UNAUTHENTICATED, error.title) from error
        except OUT_OF_REACH as error:
            raise HungUpError(Code.TRY_LATER, "temporarily unavailable") from error
        if Scope.SUMMARIES_READ not in principal.scopes:
            raise HungUpError(Code.FORBIDDEN, f"this needs the scope {Scope.SUMMARIES_READ}")
        return principal

    async def _verified(self, offered: list[str]) -> Principal:
        """By the ticket among the subprotocols, else by the first message."""
        ticket = next((name for name in offered if name.startswith(TICKET_PREFIX)), None)
        try:
            if ticket is not None:
                principal = await self._by_ticket(ticket.removeprefix(TICKET_PREFIX))
            else:
                principal = await self._by_message()
        except InvalidCredentialError:
            await count_bad_credential(self._websocket)
            raise
        self._websocket.state.principal = principal
        await self._limiter.enforce_principal(self._websocket, principal)
        return principal

    async def _by_message(self) -> Principal:
        message = await receive_message(self._websocket)
        if not isinstance(message, Introduction):
            raise HungUpError(Code.BAD_MESSAGE, "the first message says who you are")
        if message.ticket is not None:
            return await self._by_ticket(message.ticket)
        return await verify(self._websocket, message.token or "")

    async def _by_ticket(self, ticket: str) -> Principal:
        principal = await self._desk.tickets.redeem(ticket)
        if principal is None or not await self._desk.hub.is_living(principal):
            raise InvalidCredentialError(
                internal="the ticket is spent or too old, or its credential has ended"
            )
        return principal

    async def _close(self, error: HungUpError) -> None:
        """Without waiting for a client that reads nothing."""
        with contextlib.suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._websocket.close(error.code, error.reason)
