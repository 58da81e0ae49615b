"""An account's own routes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.errors import AccountGoneError
from app.accounts.schemas import ProfileChange, Registration
from app.accounts.service import AccountService
from app.core.db import AnonymousSession
from app.core.guard import OwnSession, require
from app.core.limits import Limit, limited
from app.core.openapi import ANONYMOUS, problems
from app.core.password_policy import WeakPasswordError
from app.core.principal import Principal, Scope
from app.users.errors import EmailTakenError, UsernameTakenError
from app.users.manager import UserManager
from app.users.schemas import UserOut
from app.users.store import UserStore

router = APIRouter()

CanReadProfile = Annotated[Principal, require(Scope.PROFILE_READ)]
CanWriteProfile = Annotated[Principal, require(Scope.PROFILE_WRITE)]


def _service(request: Request, session: AsyncSession) -> AccountService:
    state = request.app.state
    manager = UserManager(
        UserStore(session), passwords=state.passwords, policy=state.settings.password_policy
    )
    return AccountService(session, manager)


def anonymous_service(request: Request, session: AnonymousSession) -> AccountService:
    return _service(request, session)


def own_service(request: Request, session: OwnSession) -> AccountService:
    return _service(request, session)


AnonymousAccounts = Annotated[AccountService, Depends(anonymous_service)]
OwnAccounts = Annotated[AccountService, Depends(own_service)]


@router.post(
    "/register",
    status_code=201,
    dependencies=[limited(Limit.REGISTER)],
    responses=problems(UsernameTakenError, EmailTakenError, WeakPasswordError),
    openapi_extra=ANONYMOUS,
)
async def register(registration: Registration, accounts: AnonymousAccounts) -> UserOut:
    """Create an account and its personal organisation."""
    return UserOut.model_validate(await accounts.register(registration))


@router.get("/me", responses=problems(AccountGoneError))
async def read_me(principal: CanReadProfile, accounts: OwnAccounts) -> UserOut:
    """My profile."""
    return UserOut.model_validate(await accounts.get(principal.user_id))


@router.put("/me", responses=problems(AccountGoneError, EmailTakenError))
async def replace_me(change: ProfileChange, principal: CanWriteProfile, accounts: OwnAccounts) -> UserOut:
    """Change my profile; a field left out stays."""
    return UserOut.model_validate(await accounts.change(principal.user_id, change))


@router.patch("/me", responses=problems(AccountGoneError, EmailTakenError))
async def change_me(change: ProfileChange, principal: CanWriteProfile, accounts: OwnAccounts) -> UserOut:
    """Change my profile; a field left out stays."""
    return UserOut.model_validate(await accounts.change(principal.user_id, change))
