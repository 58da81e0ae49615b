"""What the routes for several summaries are given."""

from typing import Annotated

from fastapi import Depends, Request

from app.core.errors import ProblemError
from app.core.guard import OwnSession
from app.core.idempotency_route import OnceDep
from app.core.limits import AsyncLimiter, Hit, Limit
from app.core.middleware.unhandled import report, to_problem
from app.summaries.batches.service import BatchIntake, BatchTerms
from app.summaries.parameters import CanWriteSummaries, IntakeDep


def get_batch_intake(
    request: Request, principal: CanWriteSummaries, intake: IntakeDep, once: OnceDep, session: OwnSession
) -> BatchIntake:
    limiter: AsyncLimiter = request.app.state.limiter
    hit = Hit(Limit.SUMMARIES_CREATE, str(principal.organization_id), plan=principal.plan)

    def explain(error: Exception) -> ProblemError:
        problem = to_problem(error, request.scope)
        report(error, problem)
        return problem

    terms = BatchTerms(
        slots=request.app.state.batch_slots,
        admit=lambda: limiter.enforce(request, [hit]),
        explain=explain,
        is_draining=lambda: bool(getattr(request.app.state, "draining", False)),
    )
    return BatchIntake(intake, once, session=session, terms=terms)


BatchIntakeDep = Annotated[BatchIntake, Depends(get_batch_intake)]
