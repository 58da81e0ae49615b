"""What an operator does by the command line, when nobody of the staff can."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import ErasureRepository
from app.admin.errors import UserNotFoundError
from app.admin.journal import Deed, note
from app.admin.queries import People
from app.admin.service import StandingService
from app.audit.events import AuditAction
from app.auth.lockout.service import unlock
from app.auth.second_factor.repository import SecondFactorRepository
from app.auth.store import OwnSessions
from app.core.db import Tenant, bind_tenant, own_transaction
from app.core.principal import Plan, StaffRole
from app.outbox.mails import Mail, queue_mail
from app.settings import Settings
from app.users.queries import lock_person


async def set_plan(settings: Settings, organization_id: UUID, plan: Plan) -> str:
    """The organisation's name. Raises OrganizationNotFoundError."""
    async with own_transaction(settings) as session:
        return (await StandingService(session, None).change(organization_id, plan=plan)).name


async def set_role(settings: Settings, name: str, role: StaffRole) -> StaffRole:
    """The role before. Where it is another, all their sessions end: what they hold was given to that one.

    Raises UserNotFoundError.
    """
    async with own_transaction(settings) as session:
        return await _set_role(session, await _find(session, name), role)


async def _set_role(session: AsyncSession, user_id: UUID, role: StaffRole) -> StaffRole:
    user = await ErasureRepository(session).lock_user(user_id)
    if user is None:
        raise UserNotFoundError
    before = StaffRole(user.role)
    if before is not role:
        user.role = role
        await bind_tenant(session, Tenant(user_id=user_id))
        await OwnSessions(session, user_id).end_all(reason="role_changed")
        deed = Deed(AuditAction.ROLE_CHANGED, subject_id=user_id)
        await note(session, None, deed, details={"from": before, "to": role})
    return before


async def unlock_account(settings: Settings, name: str) -> bool:
    """False where nothing was locked. Raises UserNotFoundError."""
    async with own_transaction(settings) as session:
        user_id = await _find(session, name)
        unlocked = await unlock(session, user_id)
        if unlocked:
            await note(session, None, Deed(AuditAction.ACCOUNT_UNLOCKED, subject_id=user_id))
        return unlocked


async def reset_second_factor(settings: Settings, name: str) -> bool:
    """App and recovery codes are forgotten, and their owner is told. False where there were none.

    Raises UserNotFoundError. What the factor had proved in open sessions ends within two seconds.
    """
    async with own_transaction(settings) as session:
        return await _reset_second_factor(session, await _find(session, name))


async def _reset_second_factor(session: AsyncSession, user_id: UUID) -> bool:
    await bind_tenant(session, Tenant(user_id=user_id))
    # First, as every login does: the session of one that runs meanwhile is unproved too.
    await lock_person(session, user_id)
    factors = SecondFactorRepository(session, user_id)
    if await factors.lock() is None:
        return False
    await factors.remove()
    await factors.unprove_sessions()
    await note(session, None, Deed(AuditAction.SECOND_FACTOR_DISABLED, subject_id=user_id))
    facts = {"change": "reset_by_an_operator"}
    await queue_mail(session, Mail.SECOND_FACTOR_CHANGED, user_id=user_id, facts=facts)
    return True


async def _find(session: AsyncSession, name: str) -> UUID:
    user_id = await People(session).named(name)
    if user_id is None:
        raise UserNotFoundError
    return user_id
