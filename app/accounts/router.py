"""An account's own routes."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.errors import AccountGoneError
from app.accounts.schemas import ProfileChange, Registration
from app.accounts.service import AccountService
from app.core.conditional import Precondition, PreconditionFailedError
from app.core.db import AnonymousSession
from app.core.guard import OwnSession, RecentLoginRequiredError, require
from app.core.http import client_address
from app.core.limit_table import private_key
from app.core.limits import AsyncLimiter, Hit, Limit, address_of, limited
from app.core.openapi import ANONYMOUS, problems
from app.core.password_policy import WeakPasswordError
from app.core.principal import Principal, Scope
from app.core.tagged_answer import UNCHANGED, IfMatch, IfNoneMatch, read_answer, tagged
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
        UserStore(session),
        passwords=state.passwords,
        policy=state.settings.password_policy,
        tokens=state.mail_tokens,
    )
    return AccountService(session, manager)


async def anonymous_service(request: Request, session: AnonymousSession) -> AccountService:
    return _service(request, session)


async def own_service(request: Request, session: OwnSession) -> AccountService:
    return _service(request, session)


async def get_address(request: Request) -> str | None:
    return client_address(request.scope.get("client"))


AnonymousAccounts = Annotated[AccountService, Depends(anonymous_service)]
OwnAccounts = Annotated[AccountService, Depends(own_service)]
ClientAddress = Annotated[str | None, Depends(get_address)]


async def get_change(
    change: ProfileChange, principal: CanWriteProfile, accounts: OwnAccounts, request: Request
) -> ProfileChange:
    """Another e-mail address takes a recent login, and is limited as whoever asks for a mail is.

    It is the way to take an account over, and it has us write to an address that nobody has proved to own.
    """
    if "email" not in change.model_fields_set:
        return change
    # Under the lock, so that what counts as another address is decided once.
    user = await accounts.hold(principal)
    if change.email != user.email:
        if not principal.logged_in_recently(datetime.now(UTC)):
            raise RecentLoginRequiredError
        limiter: AsyncLimiter = request.app.state.limiter
        await limiter.enforce(request, [Hit(Limit.VERIFY_MAIL, address_of(request))])
        await limiter.enforce(request, [Hit(Limit.VERIFY_MAIL, private_key(change.email), "target")])
    return change


ProfileChanges = Annotated[ProfileChange, Depends(get_change)]
CHANGE_ERRORS = problems(AccountGoneError, EmailTakenError, RecentLoginRequiredError, PreconditionFailedError)


@router.post(
    "/register",
    status_code=201,
    dependencies=[limited(Limit.REGISTER)],
    responses=problems(UsernameTakenError, EmailTakenError, WeakPasswordError),
    openapi_extra=ANONYMOUS,
)
async def register(
    registration: Registration, accounts: AnonymousAccounts, address: ClientAddress
) -> UserOut:
    """Create an account and its personal organisation; a mail confirms the address."""
    return UserOut.model_validate(await accounts.register(registration, address=address))


@router.get("/me", response_model=UserOut, responses={**UNCHANGED, **problems(AccountGoneError)})
async def read_me(
    principal: CanReadProfile, accounts: OwnAccounts, if_none_match: IfNoneMatch = None
) -> Response:
    """My profile."""
    return read_answer(UserOut.model_validate(await accounts.get(principal.user_id)), if_none_match)


@router.patch("/me", responses=CHANGE_ERRORS)
@router.put("/me", name="replace_me", responses=CHANGE_ERRORS)
async def change_me(
    change: ProfileChanges,
    principal: CanWriteProfile,
    accounts: OwnAccounts,
    address: ClientAddress,
    response: Response,
    if_match: IfMatch = None,
) -> UserOut:
    """Change my profile; a field left out stays. Another e-mail address has to be confirmed anew."""
    precondition = Precondition(if_match, UserOut)
    user = await accounts.change(principal, change, address=address, precondition=precondition)
    return tagged(UserOut.model_validate(user), response)
