"""Path parameters, permissions and services of the staff's routes.

An API key never gets one of these scopes, whoever made it: staff act as themselves, logged in.
"""

import re
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Request
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from app.admin.errors import JobNotFoundError, UserNotFoundError
from app.admin.impersonation import ImpersonationService
from app.admin.journal import Staff
from app.admin.service import PeopleService, StandingService
from app.core.guard import OwnSession, require, require_recently
from app.core.http import client_address
from app.core.ids import ID_SCHEMA, parse_id
from app.core.principal import Principal, Scope
from app.core.schemas import NUL
from app.organizations.context import OrganizationId

__all__ = ["OrganizationId"]

CanReadPeople = Annotated[Principal, require(Scope.USERS_READ)]
CanWritePeople = Annotated[Principal, require(Scope.USERS_WRITE)]
CanAdminister = Annotated[Principal, require(Scope.ADMIN)]
CanReadLogs = Annotated[Principal, require(Scope.ADMIN, Scope.AUDIT_READ)]
MayImpersonate = Annotated[Principal, require_recently(Scope.ADMIN)]

# PostgreSQL's bigint.
MAX_JOB_ID = 2**63 - 1
JOB_ID_SCHEMA = {"pattern": "^[0-9]{1,19}$", "maxLength": 19}
_JOB_ID = re.compile(r"[0-9]{1,19}", re.ASCII)


def _storable(text: str) -> str:
    if NUL in text:
        raise PydanticCustomError("nul_character", "U+0000 is not allowed in a string")
    return text


Words = Annotated[str, AfterValidator(_storable), Query(min_length=1, max_length=254)]


async def get_user_id(user_id: Annotated[str, Path(json_schema_extra=ID_SCHEMA)]) -> UUID:
    parsed = parse_id(user_id)
    if parsed is None:
        raise UserNotFoundError
    return parsed


async def get_job_id(job_id: Annotated[str, Path(json_schema_extra=JOB_ID_SCHEMA)]) -> int:
    """As for other ids: one that is none is as unknown as any other."""
    if not _JOB_ID.fullmatch(job_id) or int(job_id) > MAX_JOB_ID:
        raise JobNotFoundError
    return int(job_id)


UserId = Annotated[UUID, Depends(get_user_id)]
JobId = Annotated[int, Depends(get_job_id)]


def _staff(request: Request, principal: Principal) -> Staff:
    return Staff(principal, client_address(request.scope.get("client")))


async def writing_people(principal: CanWritePeople, session: OwnSession, request: Request) -> PeopleService:
    return PeopleService(session, _staff(request, principal), cache=request.app.state.principal_cache)


async def administering(principal: CanAdminister, request: Request) -> Staff:
    return _staff(request, principal)


async def standing(session: OwnSession, staff: Annotated[Staff, Depends(administering)]) -> StandingService:
    return StandingService(session, staff)


def _impersonation(request: Request, session: OwnSession, principal: Principal) -> ImpersonationService:
    state = request.app.state
    staff = _staff(request, principal)
    return ImpersonationService(session, staff, issuer=state.token_issuer, cache=state.principal_cache)


async def beginning_impersonation(
    principal: MayImpersonate, session: OwnSession, request: Request
) -> ImpersonationService:
    return _impersonation(request, session, principal)


async def ending_impersonation(
    principal: CanAdminister, session: OwnSession, request: Request
) -> ImpersonationService:
    return _impersonation(request, session, principal)


WritingPeople = Annotated[PeopleService, Depends(writing_people)]
Administering = Annotated[Staff, Depends(administering)]
Standing = Annotated[StandingService, Depends(standing)]
BeginningImpersonation = Annotated[ImpersonationService, Depends(beginning_impersonation)]
EndingImpersonation = Annotated[ImpersonationService, Depends(ending_impersonation)]
