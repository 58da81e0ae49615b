"""Counting against the plan, and showing what was counted."""

from collections import Counter
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.events import AuditAction
from app.core.plans import PLANS, PlanTerms
from app.core.principal import Principal
from app.organizations.journal import note
from app.organizations.usage.errors import QuotaExceededError
from app.organizations.usage.figures import NO_KEY, Counted, Due, Usage, noticed_of
from app.organizations.usage.repository import UsageRepository
from app.outbox.mails import Mail, queue_mail


async def count_summary(session: AsyncSession, principal: Principal, *, many: int = 1) -> None:
    """In the transaction that makes the summary, as late as possible: the month's row is held to its end.

    `many`: of so many at once, of all or of none.

    So it is counted once, however often its job is tried, and not at all where the request fails.
    Raises QuotaExceededError.
    """
    due = Due.of(principal)
    usage = UsageRepository(session, principal.organization_id)
    stored = await usage.text_bytes()
    # First what a tenant's submissions wait for each other by: in another order two could wait in a circle.
    number = await usage.count_in_month(
        due.today.replace(day=1), quota=due.terms.summaries_per_month, many=many
    )
    await usage.count_in_day(due.today, user_id=principal.user_id, api_key_id=due.api_key_id, many=many)
    await settle(session, principal, Counted(number, stored), many=many)


async def settle(session: AsyncSession, principal: Principal, counted: Counted, *, many: int = 1) -> None:
    """Once they are counted: refuses what the plan does not hold, or warns. Raises QuotaExceededError."""
    terms = PLANS[principal.plan]
    if counted.text_bytes >= terms.storage_bytes:
        raise QuotaExceededError("The plan's storage is full", hint="Delete summaries, or change the plan.")
    number = counted.number
    if number is None:
        raise QuotaExceededError("The plan's summaries of this month are spent, or too few are left")
    await _warn(session, principal, numbers=range(number - many + 1, number + 1), terms=terms)


async def _warn(session: AsyncSession, principal: Principal, *, numbers: range, terms: PlanTerms) -> None:
    """The counter passes each number once, so each owner is told once a month of each; of two, the higher."""
    reached = [percent for percent, number in noticed_of(terms).items() if number in numbers]
    if not reached:
        return
    facts = {"percent": max(reached), "quota": terms.summaries_per_month}
    await note(session, principal, AuditAction.QUOTA_WARNING, details=dict(facts))
    for owner_id in await UsageRepository(session, principal.organization_id).owners():
        await queue_mail(session, Mail.QUOTA_WARNING, user_id=owner_id, facts=facts)


async def read_usage(session: AsyncSession, principal: Principal, month: date) -> Usage:
    usage = UsageRepository(session, principal.organization_id)
    rows = await usage.days(month, before=_next(month))
    by_day, by_user, by_key = Counter[date](), Counter[UUID](), Counter[UUID]()
    for row in rows:
        by_day[row.day] += row.summaries
        by_user[row.user_id] += row.summaries
        if row.api_key_id != NO_KEY:
            by_key[row.api_key_id] += row.summaries
    return Usage(
        month=month,
        summaries=await usage.summaries_in(month),
        text_bytes=await usage.text_bytes(),
        terms=PLANS[principal.plan],
        by_day=by_day,
        by_user=by_user,
        by_key=by_key,
    )


def _next(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)
