"""Why a session is not ended, or not switched."""

from app.core.errors import ProblemError


class SessionNotFoundError(ProblemError):
    code = "session_not_found"
    status = 404
    title = "Session not found"
    meaning = "No living session of yours has this id."
    hint = "GET /api/v1/auth/sessions lists them."


class SessionRequiredError(ProblemError):
    code = "session_required"
    status = 403
    title = "An API key has no session"
    meaning = "Only somebody who logged in can log out or change organisations; a key is bound for its life."
    hint = "Send the access token of a login; revoke a key at DELETE /api/v1/api-keys/{key_id}."


class ImpersonatedError(ProblemError):
    code = "impersonated"
    status = 403
    title = "Not in another's name"
    meaning = "Support acts in one organisation, for a while; a session of its own would outlive both."
    hint = "Staff begin anew for another organisation, where that one allows it."


class ForeignRefreshTokenError(ProblemError):
    """Of another person or malformed: told alike, so that nobody learns which tokens are real."""

    code = "malformed_refresh_token"
    status = 400
    title = "The refresh token cannot be read"
    meaning = "The body's refresh token is malformed, or is not one of the person who logs out."
    hint = "Send the refresh token that came with the access token."
