"""Making and ending one's feed, and opening one by its token."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.auth.own_sessions.errors import ImpersonatedError, SessionRequiredError
from app.auth.sessions import demand_living
from app.core.db import TENANT_KEY, Database, Tenant, bind_tenant
from app.core.principal import MEMBERSHIP_SCOPES, Principal, Scope
from app.core.secret_links import digest, is_feed_token, new_feed_token
from app.organizations.journal import note
from app.organizations.repository import organizations_of
from app.summaries.feeds.errors import FeedNotFoundError
from app.summaries.feeds.repository import Entries, FeedRepository, organization_of_feed
from app.users.queries import lock_person


class FeedService:
    """Only for somebody who logged in: the token outlives whatever made it, a key and support's hour too."""

    def __init__(self, session: AsyncSession, principal: Principal) -> None:
        if principal.kind != "user":
            raise SessionRequiredError("A feed's token outlives a key: only somebody who logged in makes one")
        if principal.impersonator_id is not None:
            raise ImpersonatedError
        self._session = session
        self._principal = principal
        self._feeds = FeedRepository(session, principal.organization_id)

    async def create(self) -> str:
        """The token, in place of the former.

        Raises InvalidCredentialError: a session that has ended is believed for a second more, in which it
        must not make a feed that outlives it.
        """
        await lock_person(self._session, self._principal.user_id)
        await demand_living(self._session, self._principal)
        token = new_feed_token()
        feed = await self._feeds.put(self._principal.user_id, digest=digest(token))
        await self._note(AuditAction.FEED_CREATED, feed.id)
        return token

    async def remove(self) -> None:
        """Raises FeedNotFoundError."""
        feed_id = await self._feeds.remove(self._principal.user_id)
        if feed_id is None:
            raise FeedNotFoundError
        await self._note(AuditAction.FEED_REVOKED, feed_id)

    async def _note(self, action: AuditAction, feed_id: UUID) -> None:
        await note(self._session, self._principal, action, target=("feed", feed_id))


async def end_all_feeds(session: AsyncSession, user_id: UUID) -> None:
    """In every organisation of the user's, who the running transaction must be bound to, and have locked.

    One organisation after another: row-level security shows feeds to their own organisation only.
    """
    bound: Tenant = session.info.get(TENANT_KEY, Tenant(user_id=user_id))
    for organization_id in await organizations_of(session, user_id):
        await bind_tenant(session, Tenant(organization_id, user_id))
        feed_id = await FeedRepository(session, organization_id).remove(user_id)
        if feed_id is not None:
            event = AuditEvent(
                AuditAction.FEED_REVOKED,
                organization_id=organization_id,
                actor_kind="system",
                subject_id=user_id,
                target=("feed", feed_id),
            )
            await record(session, event)
    await bind_tenant(session, bound)


@dataclass(frozen=True, slots=True)
class OpenedFeed:
    """`id` stays the same when the token is replaced."""

    id: UUID
    entries: Entries


async def open_feed(database: Database, token: str, *, tag: str | None) -> OpenedFeed:
    """For whoever has the token, while its owner may read. Raises FeedNotFoundError."""
    if not is_feed_token(token):
        raise FeedNotFoundError
    async with database.transaction() as session:
        organization_id = await organization_of_feed(session, digest(token))
        if organization_id is None:
            raise FeedNotFoundError
        await bind_tenant(session, Tenant(organization_id))
        feeds = FeedRepository(session, organization_id)
        feed = await feeds.by_digest(digest(token))
        if feed is None or not await _may_read(feeds, feed.user_id):
            raise FeedNotFoundError
        return OpenedFeed(feed.id, await feeds.newest(feed.user_id, tag=tag))


async def _may_read(feeds: FeedRepository, user_id: UUID) -> bool:
    standing = await feeds.standing_of(user_id)
    if standing is None or not standing.is_active:
        return False
    return Scope.SUMMARIES_READ in MEMBERSHIP_SCOPES[standing.membership_role]
