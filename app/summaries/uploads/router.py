"""POST /summaries/upload."""

from fastapi import APIRouter, Request, Response

from app.core.idempotency import IDEMPOTENCY_ERRORS
from app.core.idempotency_route import IdempotentRoute
from app.core.limits import Limit, limited
from app.core.openapi import problems
from app.organizations.usage.errors import QuotaExceededError
from app.summaries import answers
from app.summaries.batches.answers import MULTI_STATUS, item_result
from app.summaries.batches.schemas import BatchView
from app.summaries.parameters import WaitSeconds
from app.summaries.router import EQUAL, FINISHED
from app.summaries.schemas import SummaryView
from app.summaries.uploads.files import name_of
from app.summaries.uploads.openapi import PARTLY, UPLOAD_BODY
from app.summaries.uploads.parameters import Upload, UploadDep

router = APIRouter(route_class=IdempotentRoute)


@router.post(
    "/upload",
    name="create",
    status_code=202,
    response_model=SummaryView,
    dependencies=[limited(Limit.SUMMARIES_CREATE)],
    openapi_extra=UPLOAD_BODY,
    responses={**EQUAL, **FINISHED, **PARTLY, **problems(QuotaExceededError, *IDEMPOTENCY_ERRORS)},
)
async def upload(
    sent: UploadDep, wait: WaitSeconds, request: Request, response: Response
) -> SummaryView | Response:
    """Have a document summarised: one `file`, or several `files`, each then answered by itself.

    The document is dropped once it has been read; its text stays with the summary.
    """
    if sent.form.is_list:
        return await _several(sent, request)
    submission = await sent.take_one(wait_seconds=wait)
    return answers.submitted(submission, request, response, waited=wait)


async def _several(sent: Upload, request: Request) -> Response:
    taken = await sent.take_all()
    names = [name_of(file) for file in sent.form.files]
    results = [item_result(i, each, request, name=names[i]) for i, each in enumerate(taken)]
    body = BatchView(items=results).model_dump_json().encode()
    return Response(body, status_code=MULTI_STATUS, media_type="application/json")
