"""POST /summaries/batch."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request

from app.core.errors import ValidationFailedError
from app.core.idempotency import IDEMPOTENCY_ERRORS
from app.core.idempotency_route import IdempotentRoute
from app.core.limits import Limit, limited
from app.core.openapi import problems
from app.core.validation_faults import faults_of
from app.organizations.usage.errors import QuotaExceededError
from app.summaries.batches.answers import MULTI_STATUS, item_result
from app.summaries.batches.parameters import BatchIntakeDep
from app.summaries.batches.schemas import BatchIn, BatchView, Judged, RefusedItem
from app.summaries.schemas import SummaryDraft

router = APIRouter(route_class=IdempotentRoute)


@router.post(
    "/batch",
    name="create",
    status_code=MULTI_STATUS,
    dependencies=[limited(Limit.SUMMARIES_CREATE)],
    responses=problems(QuotaExceededError, *IDEMPOTENCY_ERRORS),
)
async def create_batch(body: BatchIn, batch: BatchIntakeDep, request: Request) -> BatchView:
    """Up to 100 summaries at once, each answered as if it were alone; each counts as one submission.

    Those that the limit or the plan leaves no room for have its problem: send them again later.
    """
    async with batch.opened():
        taken = [await batch.take(str(index), _maker(item)) for index, item in enumerate(body.items)]
    results = [item_result(i, each, request, pointer=f"/items/{i}") for i, each in enumerate(taken)]
    return BatchView(items=results)


def _maker(item: Judged) -> Callable[[], Awaitable[SummaryDraft]]:
    async def make() -> SummaryDraft:
        if isinstance(item, RefusedItem):
            raise ValidationFailedError(faults=faults_of(item.error, item.sent))
        return item

    return make
