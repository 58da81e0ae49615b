"""Why a login or a refresh is refused."""

from collections.abc import Mapping
from typing import ClassVar

from app.core.errors import ProblemError

BEARER: Mapping[str, str] = {"WWW-Authenticate": "Bearer"}


class LoginFailedError(ProblemError):
    code = "login_failed"
    status = 401
    title = "Incorrect username or password"
    meaning = "Unknown, locked, inactive and wrong get the same answer, so that none can be told apart."
    hint = "Check both; the user name or the e-mail address will do."
    commits = True
    headers: ClassVar[Mapping[str, str]] = BEARER


class EmailNotVerifiedError(ProblemError):
    code = "email_not_verified"
    status = 403
    title = "The e-mail address is not verified"
    meaning = "This deployment lets nobody in before they opened the link in their welcome mail."
    hint = "Open the link, or ask for another one at POST /api/v1/users/verify-request."


class TokenReuseError(ProblemError):
    code = "token_reused"
    status = 401
    title = "A spent refresh token was used again"
    meaning = "Somebody holds a copy of the token. The whole session was ended, for both."
    hint = "Log in again."
    commits = True
    headers: ClassVar[Mapping[str, str]] = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
