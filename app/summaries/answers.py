"""Headers and status codes that say what has become of a request."""

from fastapi import Request, Response

from app.core.cache import CachedBody
from app.core.http import matches_if_none_match
from app.core.idempotency_seal import Answer
from app.core.tagged_answer import REVALIDATE
from app.summaries.duplicates import Outcome, Submission
from app.summaries.models import Summary
from app.summaries.rendering import etag_of, view_of
from app.summaries.schemas import SummaryView
from app.summaries.vocabulary import FINAL

RETRY_AFTER_SECONDS = "2"


def changed(summary: Summary, response: Response) -> SummaryView:
    response.headers["ETag"] = etag_of(summary)
    return view_of(summary)


def accepted(summary: Summary, request: Request, response: Response, *, waited: int = 0) -> SummaryView:
    """201 where it is finished, failed or not; else 202 and when to look again."""
    response.headers.update(_accepted(summary, request, waited=waited))
    if summary.status in FINAL:
        response.status_code = 201
    return view_of(summary)


def submitted(
    submission: Submission, request: Request, response: Response, *, waited: int = 0
) -> SummaryView:
    """As `accepted`; 200 where there was an equal one. What is not kept ends with this answer."""
    response.status_code = _status(submission)
    response.headers.update(_submitted(submission.summary, request, waited=waited))
    return view_of(submission.summary)


def answered(submission: Submission, request: Request, *, waited: int = 0) -> Response:
    """As `submitted`, rendered: FastAPI would validate and render it once more than what is kept of it."""
    return kept(receipt(submission, request, waited=waited))


def receipt(submission: Submission, request: Request, *, waited: int = 0) -> Answer:
    """What is answered, to the byte."""
    headers = {"Content-Type": "application/json", **_submitted(submission.summary, request, waited=waited)}
    lines = sorted((name.lower(), value) for name, value in headers.items())
    return Answer(_status(submission), tuple(lines), view_of(submission.summary).model_dump_json().encode())


def kept(answer: Answer) -> Response:
    return Response(answer.body, status_code=answer.status, headers=dict(answer.headers))


def read(document: CachedBody, if_none_match: str | None) -> Response:
    headers = {"ETag": document.etag, "Cache-Control": REVALIDATE}
    if matches_if_none_match(if_none_match, document.etag):
        return Response(status_code=304, headers=headers)
    return Response(document.body, media_type="application/json", headers=headers)


def _status(submission: Submission) -> int:
    if submission.outcome is Outcome.RETURNED:
        return 200
    return 201 if submission.summary.status in FINAL else 202


def _submitted(summary: Summary, request: Request, *, waited: int) -> dict[str, str]:
    headers = _accepted(summary, request, waited=waited)
    if summary.ephemeral:
        headers["Cache-Control"] = "no-store"
        if summary.status in FINAL:
            del headers["Location"]
    return headers


def _accepted(summary: Summary, request: Request, *, waited: int) -> dict[str, str]:
    headers = {"Location": _location(request, summary), "ETag": etag_of(summary)}
    if waited:
        headers["Preference-Applied"] = f"wait={waited}"
    if summary.status not in FINAL:
        headers["Retry-After"] = RETRY_AFTER_SECONDS
    return headers


def _location(request: Request, summary: Summary) -> str:
    """The summary's own address, whichever of the routes beneath the list's was asked."""
    path: str = request.scope["path"]
    before, collection, _ = path.partition("/summaries")
    return f"{_base(request)}{before}{collection}/{summary.id}"


def _base(request: Request) -> str:
    base_url: str = request.app.state.settings.base_url
    return base_url
