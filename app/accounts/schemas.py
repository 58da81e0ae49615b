"""What a person says of themself."""

from typing import Annotated

from fastapi_users.schemas import CreateUpdateDictModel
from pydantic import EmailStr, Field, StringConstraints

from app.core.schemas import ChangeModel, RequestModel, ResponseModel

Username = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{3,50}$", max_length=50, to_lower=True)]
Email = Annotated[EmailStr, StringConstraints(max_length=254, to_lower=True)]
FullName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]

Password = Annotated[str, Field(max_length=1000, json_schema_extra={"format": "password"}, repr=False)]
MailToken = Annotated[str, Field(max_length=1000, description="From the mail's link.", repr=False)]


class Registration(RequestModel, CreateUpdateDictModel):
    username: Username
    email: Email
    password: Password
    full_name: FullName | None = None


class ProfileChange(ChangeModel):
    email: Email = ""
    full_name: FullName | None = None


class MailRequest(RequestModel):
    email: Email


class ProofOfAddress(RequestModel):
    token: MailToken


class NewPassword(RequestModel):
    token: MailToken
    new_password: Password


class Detail(ResponseModel):
    detail: str
