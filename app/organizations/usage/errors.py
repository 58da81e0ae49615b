"""A plan that is used up. It says nothing about speed: that is `rate_limited`."""

from app.core.errors import ProblemError


class QuotaExceededError(ProblemError):
    code = "quota_exceeded"
    status = 403
    title = "The plan's quota is spent"
    meaning = "The organisation has used what its plan allows: summaries this month, or storage."
    hint = "GET /api/v1/organizations/{id}/usage shows it; the month begins anew on its first day, in UTC."
