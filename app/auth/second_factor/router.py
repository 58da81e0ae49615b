"""My second factor."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from app.auth.second_factor.errors import NoSecondFactorError, SecondFactorEnabledError, WrongCodeError
from app.auth.second_factor.schemas import CodeIn, Disabled, Enrolment, RecoveryCodes, SecondFactorOut
from app.auth.second_factor.service import Caller, SecondFactorService
from app.core.guard import OwnSession, RecentLoginRequiredError, authenticate, require, require_recently
from app.core.http import client_address
from app.core.openapi import problems
from app.core.principal import Principal, Scope

router = APIRouter()

CanReadProfile = Annotated[Principal, require(Scope.PROFILE_READ)]
CanWriteProfile = Annotated[Principal, require(Scope.PROFILE_WRITE)]
HasJustLoggedIn = Annotated[Principal, require_recently(Scope.PROFILE_WRITE)]


async def get_service(
    request: Request, principal: Annotated[Principal, Depends(authenticate)], session: OwnSession
) -> SecondFactorService:
    state = request.app.state
    caller = Caller(principal, client_address(request.scope.get("client")))
    return SecondFactorService(session, caller, proof=state.code_proof, cache=state.principal_cache)


MySecondFactor = Annotated[SecondFactorService, Depends(get_service)]


@router.get("")
async def read_second_factor(_principal: CanReadProfile, service: MySecondFactor) -> SecondFactorOut:
    """Whether I have one, and how many recovery codes are left."""
    return await service.read()


@router.post("/enroll", responses=problems(RecentLoginRequiredError, SecondFactorEnabledError))
async def enroll(_principal: HasJustLoggedIn, service: MySecondFactor) -> Enrolment:
    """Begin: a secret for the authenticator app, pending until a code of it is confirmed."""
    return await service.enroll()


@router.post(
    "/confirm",
    responses=problems(WrongCodeError, NoSecondFactorError, SecondFactorEnabledError),
)
async def confirm(body: CodeIn, _principal: CanWriteProfile, service: MySecondFactor) -> RecoveryCodes:
    """Enable it, with a code of the app; logins need one from now on."""
    return RecoveryCodes(recovery_codes=await service.confirm(body.code))


@router.post(
    "/recovery-codes",
    responses=problems(RecentLoginRequiredError, WrongCodeError, NoSecondFactorError),
)
async def replace_recovery_codes(
    body: CodeIn, _principal: HasJustLoggedIn, service: MySecondFactor
) -> RecoveryCodes:
    """Ten new recovery codes; the former ones no longer work."""
    return RecoveryCodes(recovery_codes=await service.replace_codes(body.code))


@router.post(
    "/disable",
    responses=problems(RecentLoginRequiredError, WrongCodeError, NoSecondFactorError),
)
async def disable(body: CodeIn, _principal: HasJustLoggedIn, service: MySecondFactor) -> Disabled:
    """Take it away, with a code of it or a recovery code."""
    await service.disable(body.code)
    return Disabled(detail="The second factor is disabled")
