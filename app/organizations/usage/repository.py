"""Usage counters of one organisation."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.principal import MembershipRole
from app.organizations.models import Membership
from app.organizations.usage.models import UsageDay, UsageMonth, UsageStorage


class UsageRepository:
    def __init__(self, session: AsyncSession, organization_id: UUID) -> None:
        self._session = session
        self._organization_id = organization_id

    async def count_in_month(self, month: date, *, quota: int, many: int) -> int | None:
        """The month's number with these; None, and nothing counted, where the quota does not hold them all.

        Checked and counted by one statement, so that two at once cannot both take the last place.
        """
        row = {"organization_id": self._organization_id, "month": month, "summaries": many}
        statement = insert(UsageMonth).values(row)
        statement = statement.on_conflict_do_update(
            index_elements=[UsageMonth.organization_id, UsageMonth.month],
            set_={"summaries": UsageMonth.summaries + many},
            where=UsageMonth.summaries + many <= quota,
        )
        return await self._session.scalar(statement.returning(UsageMonth.summaries))

    async def count_in_day(self, day: date, *, user_id: UUID, api_key_id: UUID, many: int) -> None:
        row = {
            "organization_id": self._organization_id,
            "day": day,
            "user_id": user_id,
            "api_key_id": api_key_id,
            "summaries": many,
        }
        statement = insert(UsageDay).values(row)
        await self._session.execute(
            statement.on_conflict_do_update(
                index_elements=["organization_id", "day", "user_id", "api_key_id"],
                set_={"summaries": UsageDay.summaries + many},
            )
        )

    async def summaries_in(self, month: date) -> int:
        query = select(UsageMonth.summaries).where(
            UsageMonth.organization_id == self._organization_id, UsageMonth.month == month
        )
        return await self._session.scalar(query) or 0

    async def text_bytes(self) -> int:
        query = select(UsageStorage.text_bytes).where(UsageStorage.organization_id == self._organization_id)
        return await self._session.scalar(query) or 0

    async def days(self, first: date, *, before: date) -> Sequence[Row[date, UUID, UUID, int]]:
        query = (
            select(UsageDay.day, UsageDay.user_id, UsageDay.api_key_id, UsageDay.summaries)
            .where(
                UsageDay.organization_id == self._organization_id,
                UsageDay.day >= first,
                UsageDay.day < before,
            )
            .order_by(UsageDay.day, UsageDay.user_id, UsageDay.api_key_id)
        )
        return (await self._session.execute(query)).all()

    async def owners(self) -> Sequence[UUID]:
        query = select(Membership.user_id).where(
            Membership.organization_id == self._organization_id, Membership.role == MembershipRole.OWNER
        )
        return (await self._session.scalars(query)).all()
