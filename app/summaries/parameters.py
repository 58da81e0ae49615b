"""What the routes are given: services by permission, parsed parameters."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Path, Request

from app.core.draining import draining_of
from app.core.guard import OwnSession, require
from app.core.http import MAX_HEADER_LENGTH, preferred_wait
from app.core.idempotency_route import OnceDep
from app.core.ids import ID_SCHEMA, parse_id
from app.core.principal import Principal, Scope
from app.summaries import answers
from app.summaries.errors import SummaryNotFoundError
from app.summaries.intake import Intake
from app.summaries.service import SummaryService, Surroundings

CanReadSummaries = Annotated[Principal, require(Scope.SUMMARIES_READ)]
CanWriteSummaries = Annotated[Principal, require(Scope.SUMMARIES_WRITE)]
CanDeleteSummaries = Annotated[Principal, require(Scope.SUMMARIES_DELETE)]


async def get_surroundings(request: Request) -> Surroundings:
    state = request.app.state
    return Surroundings(
        state.cache,
        state.cursors,
        state.summary_reads,
        allow_hosts=state.settings.fetch_allowed,
        announcer=state.announcer,
    )


SurroundingsDep = Annotated[Surroundings, Depends(get_surroundings)]


async def reading_service(
    principal: CanReadSummaries, session: OwnSession, surroundings: SurroundingsDep
) -> SummaryService:
    return SummaryService(session, principal, surroundings)


async def writing_service(
    principal: CanWriteSummaries, session: OwnSession, surroundings: SurroundingsDep
) -> SummaryService:
    return SummaryService(session, principal, surroundings)


async def deleting_service(
    principal: CanDeleteSummaries, session: OwnSession, surroundings: SurroundingsDep
) -> SummaryService:
    return SummaryService(session, principal, surroundings)


async def get_intake(
    principal: CanWriteSummaries,
    surroundings: SurroundingsDep,
    once: OnceDep,
    request: Request,
) -> Intake:
    state = request.app.state
    return Intake(
        state.intake_desk,
        principal,
        surroundings=surroundings,
        hub=state.progress.hub,
        is_draining=draining_of(state),
        once=once,
        receipt=lambda submission: answers.receipt(submission, request),
    )


ReadingService = Annotated[SummaryService, Depends(reading_service)]
WritingService = Annotated[SummaryService, Depends(writing_service)]
DeletingService = Annotated[SummaryService, Depends(deleting_service)]
IntakeDep = Annotated[Intake, Depends(get_intake)]


async def get_summary_id(summary_id: Annotated[str, Path(json_schema_extra=ID_SCHEMA)]) -> UUID:
    """An id that is not one is as unknown as any other: 404."""
    parsed = parse_id(summary_id)
    if parsed is None:
        raise SummaryNotFoundError
    return parsed


async def wait_seconds(
    request: Request,
    prefer: Annotated[
        str | None,
        Header(
            max_length=MAX_HEADER_LENGTH,
            description="`wait=N`: seconds to wait for the summary, 15 at most.",
            examples=["wait=10"],
        ),
    ] = None,
) -> int:
    """All lines of the header are one list (RFC 7240, section 2); `prefer` documents it."""
    return preferred_wait(prefer and ", ".join(request.headers.getlist("prefer")))


SummaryId = Annotated[UUID, Depends(get_summary_id)]
WaitSeconds = Annotated[int, Depends(wait_seconds)]
