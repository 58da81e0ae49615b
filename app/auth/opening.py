"""Opens a session for whoever has proved who they are, by a password or by a provider's word."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.auth.errors import LoginFailedError
from app.auth.issuing import TokenIssuer
from app.auth.lockout.clients import DeviceCookies
from app.auth.models import AuthSession
from app.auth.repository import SessionRepository
from app.auth.schemas import TokenPair
from app.core.db import Tenant, bind_tenant
from app.core.ids import new_id
from app.core.principal import StaffPolicy, StaffRole, allowed_scopes
from app.organizations.repository import OwnMembership, first_membership_of
from app.users.models import User
from app.users.store import UserStore

ABSOLUTE_LIFETIME = timedelta(days=30)
MAX_USER_AGENT_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Device:
    """Where a login came from; shown to its owner. `cookie` is the device cookie that it presented.

    `remembered` False: no device cookie is set, because another site may have sent the request.
    """

    address: str | None
    user_agent: str | None
    cookie: str | None = None
    remembered: bool = True


@dataclass(frozen=True, slots=True)
class Login:
    """An open session. `device_cookie` is to be set on the client; None: there is none to set."""

    tokens: TokenPair
    user_id: UUID
    username: str
    device_cookie: str | None


@dataclass(frozen=True, slots=True)
class Proof:
    """What the session begins with: `scopes` empty means all that are allowed; `amr` as in AuthSession.

    `proved_at`: when they proved who they are; None: just now, to us.
    """

    scopes: frozenset[str]
    amr: Sequence[str]
    replacement_hash: str | None = None
    proved_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SessionPolicy:
    idle_lifetime: timedelta
    staff: StaffPolicy


class SessionOpener:
    def __init__(self, policy: SessionPolicy, *, issuer: TokenIssuer, devices: DeviceCookies) -> None:
        self._policy = policy
        self._issuer = issuer
        self._devices = devices

    async def open(self, session: AsyncSession, user: User, proof: Proof, *, device: Device) -> Login:
        """In the caller's transaction, which ends bound to the organisation. Raises LoginFailedError."""
        await bind_tenant(session, Tenant(user_id=user.id))
        membership = await first_membership_of(session, user.id)
        if membership is None:
            raise LoginFailedError(internal="a user without any organisation")
        role = self._policy.staff.proved(StaffRole(user.role), proof.amr)
        row = self._new_session(membership, proof, user_id=user.id, role=role)
        row.ip, row.user_agent = device.address, (device.user_agent or "")[:MAX_USER_AGENT_CHARACTERS]
        # The cookie is renewed at every login, so that a device in use stays known.
        row.device_id = self._devices.read(device.cookie, user.id) or new_id()
        await UserStore(session).record_login(user.id, replacement_hash=proof.replacement_hash)
        await _store(session, row)
        return Login(
            self._issuer.pair(row, role=role),
            user.id,
            user.username,
            self._devices.issue(user.id, row.device_id) if device.remembered else None,
        )

    def _new_session(
        self, membership: OwnMembership, proof: Proof, *, user_id: UUID, role: StaffRole
    ) -> AuthSession:
        now = datetime.now(UTC)
        allowed = allowed_scopes(role, membership.role)
        return AuthSession(
            id=new_id(),
            user_id=user_id,
            organization_id=membership.organization_id,
            counter=0,
            scopes=sorted(allowed & proof.scopes if proof.scopes else allowed),
            idle_expires_at=now + self._policy.idle_lifetime,
            absolute_expires_at=now + ABSOLUTE_LIFETIME,
            authenticated_at=min(proof.proved_at or now, now),
            amr=list(proof.amr),
        )


async def _store(session: AsyncSession, row: AuthSession) -> None:
    await bind_tenant(session, Tenant(row.organization_id, row.user_id))
    await SessionRepository(session, row.organization_id).add(row)
    event = AuditEvent(
        AuditAction.LOGIN_SUCCESS,
        organization_id=row.organization_id,
        actor_kind="user",
        actor_id=row.user_id,
        credential_id=row.id,
        subject_id=row.user_id,
        target=("session", row.id),
        address=row.ip,
        details={"amr": " ".join(row.amr)},
    )
    await record(session, event)
