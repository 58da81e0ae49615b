"""An account that is there no more, a token that opens nothing."""

from app.core.errors import ProblemError


class AccountGoneError(ProblemError):
    code = "account_gone"
    status = 404
    title = "Account not found"
    meaning = "The account behind this credential no longer exists."


class InvalidMailTokenError(ProblemError):
    code = "invalid_mail_token"
    status = 400
    title = "The link is spent or too old"
    meaning = "The token of a mail works once, for 15 minutes, for the address and password it was made for."
    hint = "Ask for another mail."


class AccountBeingErasedError(ProblemError):
    code = "account_being_erased"
    status = 409
    title = "The account is being erased"
    meaning = "The time to think better of it is over, and parts of the account are gone already."
