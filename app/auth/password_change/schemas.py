"""A password change."""

from typing import Annotated

from pydantic import Field

from app.core.schemas import RequestModel, ResponseModel

Password = Annotated[str, Field(max_length=1000, json_schema_extra={"format": "password"}, repr=False)]


class PasswordChangeIn(RequestModel):
    current_password: Password
    new_password: Password


class PasswordChanged(ResponseModel):
    detail: str
