"""My password."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from app.auth.password_change.errors import WrongPasswordError
from app.auth.password_change.schemas import PasswordChanged, PasswordChangeIn
from app.auth.password_change.service import ChangeParts, PasswordChange
from app.core.guard import require
from app.core.http import client_address
from app.core.limits import AsyncLimiter, Hit, Limit
from app.core.openapi import problems
from app.core.password_policy import WeakPasswordError
from app.core.principal import Principal, Scope

router = APIRouter()

CanWriteProfile = Annotated[Principal, require(Scope.PROFILE_WRITE)]


async def get_change(request: Request, principal: CanWriteProfile) -> PasswordChange:
    """Counted per person: the holder of a stolen session must not find the password by trying."""
    state = request.app.state
    limiter: AsyncLimiter = state.limiter
    await limiter.enforce(request, [Hit(Limit.PASSWORD_CHANGE, str(principal.user_id))])
    parts = ChangeParts(
        state.database, state.passwords, state.settings.password_policy, state.principal_cache
    )
    return PasswordChange(parts, principal, address=client_address(request.scope.get("client")))


@router.post("/change-password", responses=problems(WrongPasswordError, WeakPasswordError))
async def change_password(
    wanted: PasswordChangeIn, change: Annotated[PasswordChange, Depends(get_change)]
) -> PasswordChanged:
    """Change my password; every session ends, this one too."""
    await change.change(wanted)
    return PasswordChanged(detail="Password changed; log in again.")
