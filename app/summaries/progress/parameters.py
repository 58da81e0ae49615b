"""What the routes are given."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Header, Request
from starlette.responses import Response

from app.core.db import DatabaseDep, Tenant
from app.core.guard import OwnSession
from app.core.limits import AsyncLimiter, Limit
from app.summaries.parameters import CanReadSummaries, CanWriteSummaries, SummaryId, SurroundingsDep
from app.summaries.progress.desk import ProgressDesk
from app.summaries.progress.event_stream import EventStream
from app.summaries.progress.events import Position, events_after
from app.summaries.progress.service import Grant, ProgressService


async def get_desk(request: Request) -> ProgressDesk:
    desk: ProgressDesk = request.app.state.progress
    return desk


DeskDep = Annotated[ProgressDesk, Depends(get_desk)]


async def progress_service(
    principal: CanWriteSummaries, session: OwnSession, surroundings: SurroundingsDep
) -> ProgressService:
    return ProgressService(session, principal, surroundings)


WritingProgress = Annotated[ProgressService, Depends(progress_service)]


async def get_grant(principal: CanWriteSummaries, request: Request) -> Grant:
    """The route itself has counted the first."""
    limiter: AsyncLimiter = request.app.state.limiter

    async def grant(wanted: int) -> int:
        more = await limiter.grant(Limit.SUMMARIES_CREATE, principal, wanted=max(0, wanted - 1))
        return min(wanted, 1 + more)

    return grant


GrantDep = Annotated[Grant, Depends(get_grant)]


async def open_stream(
    principal: CanReadSummaries,
    summary_id: SummaryId,
    desk: DeskDep,
    database: DatabaseDep,
    surroundings: SurroundingsDep,
    last_event_id: Annotated[
        str, Header(max_length=100, description="The `id` of the last event that arrived.")
    ] = "",
) -> AsyncIterator[Response]:
    """Its slots are given back when the answer has been sent, or its client has gone."""
    position = Position.parse(last_event_id)
    tenant = Tenant(principal.organization_id, principal.user_id)
    with desk.slots.in_process("sse"), desk.slots.of(principal):
        async with desk.hub.watching(principal, [summary_id]) as watch:
            async with database.transaction(tenant) as session:
                start = await ProgressService(session, principal, surroundings).progress(summary_id)
            if start.is_final and not events_after(start, position):
                # Tells an EventSource that there is nothing to come back for (WHATWG HTML, 9.2.3).
                yield Response(status_code=204)
            else:
                yield EventStream(watch, start, after=position, pace=desk.pace)


StreamDep = Annotated[Response, Depends(open_stream, scope="request")]
