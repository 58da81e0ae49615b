"""Conflicts of identity."""

from app.core.errors import ProblemError


class UsernameTakenError(ProblemError):
    code = "username_taken"
    status = 409
    title = "Username already registered"
    meaning = "Another account has this user name; case does not tell names apart."
    hint = "Choose another user name, or log in."


class EmailTakenError(ProblemError):
    code = "email_taken"
    status = 409
    title = "Email already registered"
    meaning = "Another account has this e-mail address."
    hint = "Log in, or reset the password of that account."
