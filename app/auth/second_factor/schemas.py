"""What setting up a second factor takes and gives."""

from pydantic import Field

from app.core.schemas import RequestModel, ResponseModel, UtcDatetime


class CodeIn(RequestModel):
    code: str = Field(
        min_length=6,
        max_length=64,
        repr=False,
        description="Six digits of the authenticator app; a recovery code where one will do.",
    )


class Enrolment(ResponseModel):
    """`secret` in base32 for typing, the same in `otpauth_uri` for a QR code. Shown this once."""

    secret: str = Field(repr=False)
    otpauth_uri: str = Field(repr=False)


class RecoveryCodes(ResponseModel):
    """Each works once, in place of a code of the app. Shown this once."""

    recovery_codes: list[str] = Field(repr=False)


class SecondFactorOut(ResponseModel):
    """`pending`: enrolled, and not yet confirmed with a code."""

    enabled: bool
    pending: bool
    confirmed_at: UtcDatetime | None
    recovery_codes_left: int


class Disabled(ResponseModel):
    detail: str
