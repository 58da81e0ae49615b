"""What `./run --demo` starts with: one person, their organisation, one API key."""

import secrets
import string
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.schemas import Registration
from app.accounts.service import AccountService
from app.api_keys.schemas import ApiKeyIn
from app.api_keys.service import ApiKeyService
from app.auth.models import AuthSession
from app.auth.repository import SessionRepository
from app.core.db import Database, Tenant
from app.core.ids import new_id
from app.core.passwords import Passwords
from app.core.principal import MembershipRole, Plan, Principal, StaffRole, allowed_scopes
from app.core.principal_cache import PrincipalCache
from app.core.redis import RedisClient
from app.organizations.repository import first_membership_of
from app.settings import Settings
from app.users.manager import UserManager
from app.users.models import User
from app.users.store import UserStore

USERNAME = "demo"
EMAIL = "demo@precis.example"


async def seed_demo(settings: Settings, *, passwords: Passwords) -> str:
    """The lines to show: user name, password and key, made anew for this run."""
    database, redis = Database.from_settings(settings), RedisClient(settings.redis_url)
    try:
        password = _password()
        async with database.transaction() as session:
            manager = UserManager(UserStore(session), passwords=passwords, policy=settings.password_policy)
            registration = Registration(
                username=USERNAME, email=EMAIL, password=password, full_name="Demo Reader"
            )
            user = await AccountService(session, manager).create(registration)
        api_key = await _api_key(database, user, PrincipalCache(redis))
    finally:
        await redis.aclose()
        await database.dispose()
    return f"user:     {USERNAME}\npassword: {password}\nAPI key:  {api_key}"


async def _api_key(database: Database, user: User, cache: PrincipalCache) -> str:
    async with database.transaction(Tenant(user_id=user.id)) as session:
        principal = await _owner(session, user)
    async with database.transaction(Tenant(principal.organization_id, user.id)) as session:
        await SessionRepository(session, principal.organization_id).add(_session_of(principal))
        created = await ApiKeyService(session, principal, cache).create(ApiKeyIn(name="demo"))
    return created.secret


async def _owner(session: AsyncSession, user: User) -> Principal:
    membership = await first_membership_of(session, user.id)
    if membership is None:
        raise LookupError("the demo user has no organisation")
    return Principal(
        kind="user",
        user_id=user.id,
        organization_id=membership.organization_id,
        credential_id=new_id(),
        staff_role=StaffRole.USER,
        membership_role=MembershipRole.OWNER,
        plan=Plan.FREE,
        scopes=allowed_scopes(StaffRole.USER, MembershipRole.OWNER),
    )


def _session_of(principal: Principal) -> AuthSession:
    """Keys are made by somebody who is logged in; nobody holds a token of this login, and it ends at once."""
    now = datetime.now(UTC)
    return AuthSession(
        id=principal.credential_id,
        user_id=principal.user_id,
        organization_id=principal.organization_id,
        counter=0,
        scopes=[],
        idle_expires_at=now,
        absolute_expires_at=now,
    )


def _password() -> str:
    """Random, and of every kind that the policy asks for."""
    letters = "".join(secrets.choice(string.ascii_letters) for _ in range(16))
    return f"{letters}-{secrets.randbelow(90) + 10}aZ"
