"""Why a second factor is asked for, or refused."""

from collections.abc import Mapping
from typing import ClassVar

from app.auth.errors import BEARER
from app.core.errors import ProblemError


class SecondFactorRequiredError(ProblemError):
    """Only after the right password, or it would tell who has a second factor."""

    code = "second_factor_required"
    status = 401
    title = "A second factor is required"
    meaning = "The password is right, and this account also asks for a code of its authenticator app."
    hint = "Send the same form again, with the code, or a recovery code, in the field totp."
    headers: ClassVar[Mapping[str, str]] = BEARER


class WrongCodeError(ProblemError):
    code = "wrong_code"
    status = 400
    title = "The code is not right"
    meaning = "The code is wrong, too old, or was used before; a recovery code works once."
    hint = "Wait for the next code, and check that the device's clock is right."
    commits = True


class SecondFactorEnabledError(ProblemError):
    code = "second_factor_enabled"
    status = 409
    title = "A second factor is already enabled"
    meaning = "The account has a confirmed second factor, which another enrolment cannot replace."
    hint = "Disable it first, with one of its codes or a recovery code."


class NoSecondFactorError(ProblemError):
    code = "no_second_factor"
    status = 409
    title = "There is no second factor"
    meaning = "The account has no second factor in the state that this call is for."
    hint = "Begin at POST /api/v1/auth/totp/enroll."
