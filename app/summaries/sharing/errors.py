"""What can go wrong with a share link, as the API says it."""

from app.core.errors import ProblemError


class NotSharedError(ProblemError):
    code = "summary_not_shared"
    status = 404
    title = "The summary is not shared"
    meaning = "It has no share link, or had one that was revoked."
    hint = "POST /api/v1/summaries/{summary_id}/share makes one."


class SharedPageNotFoundError(ProblemError):
    """For every reason alike: whoever tries names learns nothing of what is or was behind them."""

    code = "shared_page_not_found"
    status = 404
    title = "There is nothing to see here"
    meaning = "The link is unknown, has expired or was revoked, or what it led to is no longer there."
    hint = "Ask whoever sent the link for a new one."
