"""Why a password is not changed."""

from app.core.errors import ProblemError


class WrongPasswordError(ProblemError):
    code = "wrong_password"
    status = 400
    title = "The current password is wrong"
    meaning = "A password changes only together with the current one: an open session alone does not do."
    hint = "Send the current password; POST /api/v1/auth/forgot-password helps where it is lost."
    commits = True
