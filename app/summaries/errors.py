"""What can go wrong with a summary, as the API says it."""

from app.core.errors import ProblemError


class SummaryNotFoundError(ProblemError):
    code = "summary_not_found"
    status = 404
    title = "Summary not found"
    meaning = "No summary has this id, it is in the trash, or it is not visible to you."
    hint = "GET /api/v1/summaries lists the ones you can read."


class SummaryForbiddenError(ProblemError):
    code = "summary_forbidden"
    status = 403
    title = "Only its author or an administrator may change this summary"
    meaning = "The summary is shared with the organisation for reading; changing it is not yours to do."
    hint = "Ask its author, or an admin or owner of the organisation."


class SummaryNotFailedError(ProblemError):
    code = "summary_not_failed"
    status = 409
    title = "Only a failed summary can be retried"
    meaning = "The summary is ready, or still being worked on."
    hint = "Read its status; create a new summary to have the page read again."


class PreconditionFailedError(ProblemError):
    code = "precondition_failed"
    status = 412
    title = "The resource has changed since you read it"
    meaning = "If-Match names a version that is not the current one, so nothing was written."
    hint = "Read it again, merge your change, and send the new ETag in If-Match."
