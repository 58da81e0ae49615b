"""What login and refresh take and give."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from app.core.schemas import RequestModel, ResponseModel


class LoginForm(RequestModel):
    """OAuth 2.0's password form (RFC 6749, 4.3.2). Clients are not known: naming one does nothing."""

    # RFC 6749 section 3.2: parameters that a server does not know are ignored.
    model_config = ConfigDict(extra="ignore")

    grant_type: Literal["password"] = "password"
    username: str = Field(max_length=254, description="User name or e-mail address.")
    password: Annotated[str, Field(max_length=1000, json_schema_extra={"format": "password"}, repr=False)]
    scope: str = Field("", max_length=1000, description="Space-separated; left out: all that you may have.")
    totp: Annotated[str, Field(max_length=64)] | None = Field(
        None, repr=False, description="The second factor, where one is set up: its code, or a recovery code."
    )
    client_id: str | None = Field(None, max_length=200)
    client_secret: Annotated[str, Field(max_length=200)] | None = Field(None, repr=False)


class RefreshIn(RequestModel):
    # As long as an access token: the one taken for the other is a wrong credential, not a wrong shape.
    refresh_token: str = Field(max_length=4096)


class TokenPair(ResponseModel):
    """`expires_in` in seconds; `scope` space-separated, as RFC 6749 section 5.1 has it."""

    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105  # RFC 6750's name of the type
    expires_in: int
    scope: str
