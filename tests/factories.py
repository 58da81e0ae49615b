"""What tests start from, made through the same code as in production, without its 25 ms of hashing."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from fastapi import FastAPI

from app.api_keys.schemas import ApiKeyIn
from app.api_keys.service import ApiKeyService
from app.auth.issuing import TokenIssuer
from app.auth.models import AuthSession
from app.auth.repository import SessionRepository
from app.core.db import Database, Tenant, bind_tenant
from app.core.ids import new_id
from app.core.principal import MembershipRole, Plan, Principal, Scope, StaffRole, allowed_scopes
from app.core.refresh_tokens import RefreshTokens
from app.core.tokens import AccessTokens
from app.organizations.repository import OrganizationRepository
from app.organizations.service import create_personal
from app.organizations.store import change_organization
from app.users.models import User
from app.users.store import UserStore

PASSWORD = "Correct-Horse-9-Battery"
# argon2id of PASSWORD with production's parameters, made once.
PASSWORD_HASH = (
    "$argon2id$v=19$m=19456,t=2,p=1$sDYGoNS6V2oNoRSCMAZgDA$e8EX+SrZmJOtUQIDQjwcn63qlklt++dqweVFuIiLMEw"
)


@dataclass(frozen=True, slots=True)
class Person:
    """One of the cast: `headers` carry the credential."""

    user_id: UUID
    organization_id: UUID
    username: str
    session_id: UUID
    access_token: str
    refresh_token: str
    headers: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Robot:
    user_id: UUID
    organization_id: UUID
    api_key: str
    headers: dict[str, str] = field(repr=False)


def principal_of(person: Person) -> Principal:
    """An owner, as the guard would make them of a login of just now."""
    return Principal(
        kind="user",
        user_id=person.user_id,
        organization_id=person.organization_id,
        credential_id=person.session_id,
        staff_role=StaffRole.USER,
        membership_role=MembershipRole.OWNER,
        plan=Plan.FREE,
        scopes=allowed_scopes(StaffRole.USER, MembershipRole.OWNER),
        authenticated_at=datetime.now(UTC),
    )


class Factory:
    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._database: Database = app.state.database

    async def person(self, username: str, *, role: StaffRole = StaffRole.USER) -> Person:
        """Somebody with a personal organisation, logged in."""
        user, organization_id = await self._register(username, role=role)
        return await self.log_in(user, organization_id, MembershipRole.OWNER)

    async def member(self, username: str, organization_id: UUID, *, role: MembershipRole) -> Person:
        """Somebody logged in to an organisation that is not their own."""
        user, _ = await self._register(username, role=StaffRole.USER)
        async with self._database.transaction(Tenant(organization_id)) as session:
            await OrganizationRepository(session, organization_id).add_member(user.id, role=role)
        return await self.log_in(user, organization_id, role)

    async def _register(self, username: str, *, role: StaffRole) -> tuple[User, UUID]:
        async with self._database.transaction() as session:
            user = await UserStore(session).create(
                {
                    "username": username,
                    "email": f"{username}@example.com",
                    "hashed_password": PASSWORD_HASH,
                    "role": role,
                }
            )
            organization = await create_personal(session, owner_id=user.id, name=username)
        return user, organization.id

    async def log_in(
        self,
        user: User,
        organization_id: UUID,
        role: MembershipRole,
        *,
        scopes: frozenset[Scope] | None = None,
    ) -> Person:
        now = datetime.now(UTC)
        row = AuthSession(
            id=new_id(),
            user_id=user.id,
            organization_id=organization_id,
            counter=0,
            scopes=sorted(allowed_scopes(StaffRole(user.role), role) if scopes is None else scopes),
            idle_expires_at=now + timedelta(days=7),
            absolute_expires_at=now + timedelta(days=30),
        )
        async with self._database.transaction() as session:
            await bind_tenant(session, Tenant(organization_id, user.id))
            await SessionRepository(session, organization_id).add(row)
        pair = self._issuer().pair(row, role=StaffRole(user.role))
        headers = {"Authorization": f"Bearer {pair.access_token}"}
        return Person(
            user_id=user.id,
            organization_id=organization_id,
            username=user.username,
            session_id=row.id,
            access_token=pair.access_token,
            refresh_token=pair.refresh_token,
            headers=headers,
        )

    async def with_scopes(self, person: Person, *scopes: Scope) -> Person:
        """The same person in another session of fewer scopes."""
        async with self._database.transaction() as session:
            user = await UserStore(session).get(person.user_id)
        assert user is not None
        return await self.log_in(user, person.organization_id, MembershipRole.OWNER, scopes=frozenset(scopes))

    async def verify(self, person: Person) -> None:
        """As if they had opened the link in their mail."""
        await self._change(person, is_verified=True)

    async def deactivate(self, person: Person) -> None:
        await self._change(person, is_active=False)

    async def _change(self, person: Person, **values: object) -> None:
        async with self._database.transaction() as session:
            store = UserStore(session)
            user = await store.get(person.user_id)
            assert user is not None
            await store.update(user, values)

    async def share(self, organization_id: UUID) -> None:
        """Makes a personal organisation one that others may join."""
        async with self._database.transaction(Tenant(organization_id)) as session:
            await change_organization(session, organization_id, is_personal=False)

    async def enlarge(self, person: Person) -> None:
        """No quota of a plan is in their way."""
        async with self._database.transaction(Tenant(person.organization_id)) as session:
            await change_organization(session, person.organization_id, plan=Plan.ENTERPRISE)

    async def elsewhere(self, person: Person, organization_id: UUID, *, role: MembershipRole) -> Person:
        """The same person, logged in to another organisation of theirs."""
        async with self._database.transaction() as session:
            user = await UserStore(session).get(person.user_id)
        assert user is not None
        return await self.log_in(user, organization_id, role)

    async def robot(self, owner: Person, **wanted: object) -> Robot:
        """A machine with an API key of this owner."""
        async with self._database.transaction(Tenant(owner.organization_id, owner.user_id)) as session:
            service = ApiKeyService(session, principal_of(owner), self._app.state.principal_cache)
            created = await service.create(ApiKeyIn.model_validate({"name": "robot", **wanted}))
        headers = {"X-API-Key": created.secret}
        return Robot(owner.user_id, owner.organization_id, created.secret, headers)

    def _issuer(self) -> TokenIssuer:
        settings = self._app.state.settings
        tokens = AccessTokens(
            self._app.state.key_ring, issuer=settings.base_url, audience=settings.jwt_audience
        )
        return TokenIssuer(tokens, RefreshTokens.from_secret(settings.signing_secret))
