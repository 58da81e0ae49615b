"""An account that is there no more."""

from app.core.errors import ProblemError


class AccountGoneError(ProblemError):
    code = "account_gone"
    status = 404
    title = "Account not found"
    meaning = "The account behind this credential no longer exists."
