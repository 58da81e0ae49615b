"""What can go wrong with a feed, as the API says it."""

from app.core.errors import ProblemError


class FeedNotFoundError(ProblemError):
    """Unknown, replaced, deleted and no longer allowed alike."""

    code = "feed_not_found"
    status = 404
    title = "Feed not found"
    meaning = "There is no feed, or its address is unknown, was replaced, or stopped with its owner's access."
    hint = "POST /api/v1/summaries/feed makes one, or a new address for it."
