"""Everything kept about a person, page by page; the transaction is bound to them.

What opens something (hashes, digests, sealed secrets, a session's counter) is not theirs to carry around, and
is named nowhere here: columns are listed, so that a new one has to be thought about.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Executable, Select, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import QueryableAttribute

from app.accounts.archive import Record
from app.api_keys.models import ApiKey
from app.auth.models import AuthSession
from app.auth.oauth.models import OAuthAccount
from app.auth.second_factor.models import RecoveryCode, SecondFactor
from app.core.db import TENANT_KEY, Tenant, bind_tenant
from app.organizations.invitations.models import Invitation
from app.organizations.models import Membership, Organization
from app.organizations.usage.models import UsageDay
from app.summaries.feeds.models import SummaryFeed
from app.summaries.models import Summary, SummaryContent
from app.summaries.sharing.models import SummaryShare
from app.summaries.versions.models import SummaryVersion
from app.users.models import User

ROWS_A_PAGE = 200
# Texts may be of 10 MiB each: so many bytes are in memory at once, or one text.
TEXT_BYTES_A_PAGE = 4 * 1024 * 1024
FIRST = UUID(int=0)

Columns = Sequence[QueryableAttribute[Any]]  # Any: of every type
Pages = AsyncIterator[list[Record]]

PROFILE: Columns = (
    *(User.id, User.username, User.email, User.full_name, User.role, User.is_active, User.is_verified),
    *(User.created_at, User.updated_at, User.last_login),
)
MEMBERSHIP: Columns = (
    *(Organization.id, Organization.name, Organization.is_personal, Organization.plan),
    *(Membership.role, Membership.created_at),
)
SESSION: Columns = (
    *(AuthSession.id, AuthSession.organization_id, AuthSession.scopes, AuthSession.created_at),
    *(AuthSession.rotated_at, AuthSession.idle_expires_at, AuthSession.absolute_expires_at),
    *(AuthSession.revoked_at, AuthSession.revoke_reason, AuthSession.ip, AuthSession.user_agent),
    *(AuthSession.device_id, AuthSession.authenticated_at, AuthSession.amr, AuthSession.parent_id),
)
API_KEY: Columns = (
    *(ApiKey.id, ApiKey.organization_id, ApiKey.name, ApiKey.prefix, ApiKey.scopes, ApiKey.rate_limit),
    *(ApiKey.created_at, ApiKey.expires_at, ApiKey.revoked_at, ApiKey.last_used_at, ApiKey.last_used_ip),
    *(ApiKey.superseded_by, ApiKey.created_by_session, ApiKey.is_default),
)
PROVIDER: Columns = (
    *(OAuthAccount.id, OAuthAccount.provider, OAuthAccount.issuer, OAuthAccount.subject),
    *(OAuthAccount.email, OAuthAccount.created_at, OAuthAccount.last_used_at),
)
INVITATION: Columns = (
    *(Invitation.id, Invitation.organization_id, Invitation.role, Invitation.created_at),
    *(Invitation.expires_at, Invitation.accepted_at, Invitation.withdrawn_at),
)
SHARE: Columns = (SummaryShare.created_at, SummaryShare.expires_at, SummaryShare.view_count)
FEED: Columns = (SummaryFeed.id, SummaryFeed.organization_id, SummaryFeed.created_at)
# How the worker counts, by what it tells equal ones, and whose they are, which is plain.
OF_THE_SERVICE = {"user_id", "attempt", "submitted_key", "fingerprint"}
SUMMARY: Columns = tuple(
    attribute.class_attribute
    for attribute in Summary.__mapper__.column_attrs
    if attribute.key not in OF_THE_SERVICE
)
VERSION: Columns = tuple(
    attribute.class_attribute
    for attribute in SummaryVersion.__mapper__.column_attrs
    if attribute.key not in OF_THE_SERVICE
)
AUDIT_ENTRIES = text("SELECT * FROM my_audit_entries(:after, :at_most)")


class PersonQueries:
    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._session = session
        self._user_id = user_id

    async def profile(self) -> Pages:
        yield await self._rows(select(*PROFILE).where(User.id == self._user_id))

    async def memberships(self) -> Pages:
        """An organisation's name shows only inside of it."""
        async for organization_id in self._entered():
            query = select(*MEMBERSHIP).join(Membership, Membership.organization_id == Organization.id)
            own = Membership.user_id == self._user_id, Membership.organization_id == organization_id
            yield await self._rows(query.where(*own))

    def sessions(self) -> Pages:
        return self._pages(select(*SESSION).where(AuthSession.user_id == self._user_id), AuthSession.id)

    def api_keys(self) -> Pages:
        return self._pages(select(*API_KEY).where(ApiKey.user_id == self._user_id), ApiKey.id)

    async def second_factor(self) -> Pages:
        unused = RecoveryCode.user_id == self._user_id, RecoveryCode.used_at.is_(None)
        left = select(func.count()).select_from(RecoveryCode).where(*unused).scalar_subquery()
        query = select(SecondFactor.created_at, SecondFactor.confirmed_at, left.label("recovery_codes_left"))
        yield await self._rows(query.where(SecondFactor.user_id == self._user_id))

    async def login_providers(self) -> Pages:
        yield await self._rows(select(*PROVIDER).where(OAuthAccount.user_id == self._user_id))

    async def summaries(self) -> Pages:
        """Also those in the trash."""
        async for organization_id in self._entered():
            own = select(*SUMMARY).where(*self._own_summaries(organization_id))
            async for page in self._pages(own, Summary.id):
                yield page

    async def texts(self) -> Pages:
        """What was submitted, and what was extracted; a file (base64) until it has been read."""
        # Not of them together: that would read all from disk, only to measure them.
        kept = SummaryContent.input, SummaryContent.text, SummaryContent.document
        sizes = [func.coalesce(func.octet_length(each), 0) for each in kept]
        async for organization_id in self._entered():
            measured = (
                select(Summary.id, (sizes[0] + sizes[1] + sizes[2]).label("size"))
                .join(SummaryContent, SummaryContent.summary_id == Summary.id)
                .where(*self._own_summaries(organization_id))
            )
            async for page in self._pages(measured, Summary.id):
                for ids in in_portions(page):
                    yield await self._texts_of(organization_id, ids)

    async def versions(self) -> Pages:
        """Earlier ones of the summaries, one at a time: each may hold a text."""
        async for organization_id in self._entered():
            summary_id = SummaryVersion.summary_id
            versioned = (
                select(summary_id.label("id"))
                .distinct()
                .join(Summary, Summary.id == summary_id)
                .where(*self._own_summaries(organization_id))
            )
            async for page in self._pages(versioned, summary_id):
                for row in page:
                    async for version in self._versions_of(row["id"]):
                        yield version

    async def _versions_of(self, summary_id: UUID) -> Pages:
        numbers = select(SummaryVersion.number).where(SummaryVersion.summary_id == summary_id)
        for number in list(await self._session.scalars(numbers.order_by(SummaryVersion.number))):
            yield await self._rows(
                select(*VERSION).where(
                    SummaryVersion.summary_id == summary_id, SummaryVersion.number == number
                )
            )

    async def invitations(self) -> Pages:
        """To the person's address, from where they are members; not those that they sent to others."""
        address = select(User.email).where(User.id == self._user_id).scalar_subquery()
        async for organization_id in self._entered():
            own = Invitation.organization_id == organization_id, Invitation.email == address
            yield await self._rows(select(*INVITATION).where(*own).order_by(Invitation.id))

    async def shares(self) -> Pages:
        """Of the person's own summaries; the link itself is not stored."""
        columns = (SummaryShare.summary_id.label("id"), *SHARE)
        async for organization_id in self._entered():
            own = select(*columns).join(Summary, Summary.id == SummaryShare.summary_id)
            own = own.where(*self._own_summaries(organization_id))
            async for page in self._pages(own, SummaryShare.summary_id):
                yield page

    async def feeds(self) -> Pages:
        async for organization_id in self._entered():
            own = SummaryFeed.organization_id == organization_id, SummaryFeed.user_id == self._user_id
            yield await self._rows(select(*FEED).where(*own))

    async def usage(self) -> Pages:
        """By day, keys and all."""
        async for organization_id in self._entered():
            own = UsageDay.organization_id == organization_id, UsageDay.user_id == self._user_id
            summaries = func.sum(UsageDay.summaries).label("summaries")
            days = select(UsageDay.organization_id, UsageDay.day, summaries).where(*own)
            yield await self._rows(
                days.group_by(UsageDay.organization_id, UsageDay.day).order_by(UsageDay.day)
            )

    async def audit_entries(self) -> Pages:
        after = FIRST
        page: list[Record] | None = None
        while page != []:
            page = await self._rows(AUDIT_ENTRIES, after=after, at_most=ROWS_A_PAGE)
            after = page[-1]["id"] if page else FIRST
            yield page

    async def _entered(self) -> AsyncIterator[UUID]:
        """Each of the person's organisations, while the transaction is bound to it."""
        before: Tenant = self._session.info[TENANT_KEY]
        own = select(Membership.organization_id).where(Membership.user_id == self._user_id)
        for organization_id in list(await self._session.scalars(own.order_by(Membership.organization_id))):
            await bind_tenant(self._session, Tenant(organization_id, self._user_id))
            yield organization_id
        await bind_tenant(self._session, before)

    def _own_summaries(self, organization_id: UUID) -> tuple[ColumnElement[bool], ...]:
        """Not what is about to be forgotten (`store=false`)."""
        own = Summary.organization_id == organization_id, Summary.user_id == self._user_id
        return *own, Summary.ephemeral.is_(False)

    async def _texts_of(self, organization_id: UUID, ids: Sequence[UUID]) -> list[Record]:
        document = func.encode(SummaryContent.document, "base64").label("document")
        name = SummaryContent.document_name
        query = (
            select(SummaryContent.summary_id, SummaryContent.input, SummaryContent.text, document, name)
            .where(SummaryContent.organization_id == organization_id, SummaryContent.summary_id.in_(ids))
            .order_by(SummaryContent.summary_id)
        )
        return await self._rows(query)

    async def _pages(self, query: Select[Any], key: QueryableAttribute[UUID]) -> Pages:  # Any: any columns
        """By the key, which the query names `id`: each page begins where the last one ended."""
        after = FIRST
        page: list[Record] | None = None
        while page != []:
            page = await self._rows(query.where(key > after).order_by(key).limit(ROWS_A_PAGE))
            after = page[-1]["id"] if page else FIRST
            yield page

    async def _rows(self, query: Executable, **parameters: object) -> list[Record]:
        return [dict(row) for row in (await self._session.execute(query, parameters)).mappings()]


def in_portions(page: Sequence[Record]) -> Iterator[list[UUID]]:
    """The ids of rows that are of TEXT_BYTES_A_PAGE together, or of one that is larger."""
    portion: list[UUID] = []
    size = 0
    for row in page:
        if portion and size + row["size"] > TEXT_BYTES_A_PAGE:
            yield portion
            portion, size = [], 0
        portion.append(row["id"])
        size += row["size"]
    if portion:
        yield portion
