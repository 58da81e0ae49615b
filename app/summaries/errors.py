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


class SummaryUnfinishedError(ProblemError):
    code = "summary_unfinished"
    status = 409
    title = "The summary is still being worked on"
    meaning = "It can be made anew once it is ready or has failed."
    hint = "Wait for it (GET …/events tells when it is done), or cancel it; then ask again."


class NotRefreshableError(ProblemError):
    code = "summary_not_refreshable"
    status = 409
    title = "Only a summary of a URL can be refreshed"
    meaning = "Its text, html or file was sent in: there is no page to fetch again."
    hint = "POST …/regenerate summarises the stored text anew; or create a summary of the new text."


class SummaryHasNoTextError(ProblemError):
    code = "summary_has_no_text"
    status = 409
    title = "There is no text to summarise anew"
    meaning = "The text of the source has never been read successfully."
    hint = "POST …/retry tries to read it again."
