"""Erases accounts whose time is over: in small steps, each kept as it is done, so that dying costs nothing.

A step looks for what is left rather than remembering how far it came; a worker that dies in the middle is
followed by another that goes on. Last goes the person's row, and with it everything that hangs on it.
"""

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import AccountErasure
from app.accounts.repository import Departed, DueErasure, ErasureRepository, PlaceRepository
from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.auth.lockout.repository import TallyRepository
from app.core.db import Database, Tenant
from app.core.principal import MembershipRole
from app.outbox.mails import RECIPIENT, Mail, queue_mail

ACCOUNTS_A_ROUND = 10
# Well within the statement timeout, texts of megabytes and all.
SUMMARIES_A_STEP = 200

log = structlog.get_logger(__name__)


Step = Callable[[AsyncSession, PlaceRepository], Awaitable[int]]


async def _delete_all_summaries(_: AsyncSession, place: PlaceRepository) -> int:
    return await place.delete_summaries(all_authors=True, at_most=SUMMARIES_A_STEP)


async def _delete_own_summaries(_: AsyncSession, place: PlaceRepository) -> int:
    return await place.delete_summaries(all_authors=False, at_most=SUMMARIES_A_STEP)


async def _unsign_summaries(session: AsyncSession, place: PlaceRepository) -> int:
    nobody = await ErasureRepository(session).nobody()
    return await place.reassign_summaries(nobody, at_most=SUMMARIES_A_STEP)


async def _hand_on(session: AsyncSession, place: PlaceRepository) -> int:
    """For the co-owner who left after this one had been let go."""
    if await place.has_other_owner():
        return 0
    successor = await place.promote_successor()
    if successor is None:
        return 0
    await record(session, _promoted(place.organization_id, successor))
    return 1


async def _delete_invitations(_: AsyncSession, place: PlaceRepository) -> int:
    return await place.delete_invitations()


async def _leave(session: AsyncSession, place: PlaceRepository) -> int:
    left = await place.delete_membership()
    if left:
        await record(session, _left(place.organization_id))
    return left


async def _delete_organization(_: AsyncSession, place: PlaceRepository) -> int:
    return await place.delete_organization()


# By what is counted; in this order, each repeated until it finds nothing left.
ALONE: Mapping[str, Step] = {"summaries": _delete_all_summaries, "organizations": _delete_organization}
SHARED: Mapping[str, Step] = {
    "summaries": _delete_own_summaries,
    "summaries_kept_unsigned": _unsign_summaries,
    "organizations_handed_on": _hand_on,
    "invitations": _delete_invitations,
    "organizations_left": _leave,
}


async def erase_due_accounts(database: Database) -> int:
    """How many are gone. One that cannot be erased is reported, tried again later, and holds up no other."""
    async with database.transaction() as session:
        due = await ErasureRepository(session).due(at_most=ACCOUNTS_A_ROUND)
    return sum([await _try(AccountEraser(database, account)) for account in due])


async def _try(eraser: "AccountEraser") -> bool:
    try:
        return await eraser.erase()
    except Exception:
        log.exception("erasure_failed", receipt=str(eraser.receipt))
        return False


class AccountEraser:
    def __init__(self, database: Database, due: DueErasure) -> None:
        self._database = database
        self._user_id = due.user_id
        self.receipt = due.receipt

    async def erase(self) -> bool:
        """False where it was cancelled meanwhile, or another worker has finished it."""
        async with self._database.transaction(Tenant(user_id=self._user_id)) as session:
            erasures = ErasureRepository(session)
            if not await erasures.begin(self.receipt):
                return False
            await erasures.count_credentials(DueErasure(self.receipt, self._user_id))
            places = await erasures.places(self._user_id)
        for organization_id in places:
            await self._leave(organization_id)
        return await self._finish()

    async def _leave(self, organization_id: UUID) -> None:
        async with self._database.transaction(Tenant(organization_id, self._user_id)) as session:
            place = PlaceRepository(session, organization_id, self._user_id)
            is_shared = await place.has_other_members()
        for kind, step in (SHARED if is_shared else ALONE).items():
            while await self._take(step, kind, organization_id):
                """Until a step finds nothing left."""

    async def _take(self, step: Step, kind: str, organization_id: UUID) -> bool:
        async with self._database.transaction(Tenant(organization_id, self._user_id)) as session:
            erased = await step(session, PlaceRepository(session, organization_id, self._user_id))
            if erased:
                await ErasureRepository(session).count(self.receipt, kind, erased=erased)
        return erased > 0

    async def _finish(self) -> bool:
        async with self._database.transaction(Tenant(user_id=self._user_id)) as session:
            erasures = ErasureRepository(session)
            await TallyRepository(session, self._user_id).remove_all()
            departed = await erasures.delete_user(self._user_id)
            erasure = await erasures.finish(self.receipt)
            if departed is None or erasure is None:
                return False
            await record(session, _erased(erasure))
            await self._say_goodbye(session, departed, erasure)
        log.info("account_erased", receipt=str(self.receipt), **erasure.counts)
        return True

    async def _say_goodbye(self, session: AsyncSession, departed: Departed, erasure: AccountErasure) -> None:
        """The address is in the queue alone by now, and leaves it with the mail."""
        facts: dict[str, str | int] = {
            RECIPIENT: departed.email,
            "username": departed.username,
            "receipt": str(erasure.id),
            **{kind: int(rows) for kind, rows in erasure.counts.items()},
        }
        await queue_mail(session, Mail.ACCOUNT_ERASED, user_id=self._user_id, facts=facts)


def _promoted(organization_id: UUID, successor: UUID) -> AuditEvent:
    return AuditEvent(
        AuditAction.MEMBER_ROLE_CHANGED,
        organization_id=organization_id,
        actor_kind="system",
        subject_id=successor,
        details={"to": MembershipRole.OWNER, "because": "the last owner's account is erased"},
    )


def _left(organization_id: UUID) -> AuditEvent:
    """Without an id: it would lead from this log to the person's own deeds, in the hour of their erasure."""
    return AuditEvent(AuditAction.MEMBER_LEFT, organization_id=organization_id, actor_kind="system")


def _erased(erasure: AccountErasure) -> AuditEvent:
    """Names nobody: neither the person nor their id."""
    return AuditEvent(
        AuditAction.ACCOUNT_ERASED,
        organization_id=None,
        actor_kind="system",
        target=("erasure", erasure.id),
        details=erasure.counts,
    )
