"""What the routes for several summaries are given."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.draining import draining_of
from app.core.errors import ProblemError
from app.core.guard import OwnSession
from app.core.idempotency import Once
from app.core.idempotency_route import OnceDep
from app.core.limits import AsyncLimiter, Hit, Limit
from app.core.middleware.unhandled import report, to_problem
from app.core.principal import Principal
from app.summaries.batches.places import BatchPlaces
from app.summaries.batches.service import BatchIntake, BatchTerms
from app.summaries.intake import Intake
from app.summaries.parameters import CanWriteSummaries, IntakeDep


def batch_intake(
    request: Request,
    intake: Intake,
    once: Once,
    *,
    principal: Principal,
    session: AsyncSession,
    admit: Callable[[], Awaitable[None]],
) -> BatchIntake:
    def explain(error: Exception) -> ProblemError:
        problem = to_problem(error, request.scope)
        report(error, problem)
        return problem

    places: BatchPlaces = request.app.state.batch_places
    terms = BatchTerms(
        place=lambda: places.held(principal.organization_id),
        admit=admit,
        explain=explain,
        is_draining=draining_of(request.app.state),
    )
    return BatchIntake(intake, once, session=session, terms=terms)


async def get_batch_intake(
    request: Request, principal: CanWriteSummaries, intake: IntakeDep, once: OnceDep, session: OwnSession
) -> BatchIntake:
    """Each submission after the first, which the route's limit has counted, counts as another request."""
    limiter: AsyncLimiter = request.app.state.limiter
    hit = Hit(Limit.SUMMARIES_CREATE, principal.tenant, plan=principal.plan)
    return batch_intake(
        request,
        intake,
        once,
        principal=principal,
        session=session,
        admit=lambda: limiter.enforce(request, [hit]),
    )


BatchIntakeDep = Annotated[BatchIntake, Depends(get_batch_intake)]
