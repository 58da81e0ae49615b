"""What can go wrong with a version."""

from app.core.errors import ProblemError


class VersionNotFoundError(ProblemError):
    code = "version_not_found"
    status = 404
    title = "The summary has no such version"
    meaning = "No version has this number, or it was the oldest of more than fifty and has gone."
    hint = "GET /api/v1/summaries/{id}/versions lists those that are kept."
