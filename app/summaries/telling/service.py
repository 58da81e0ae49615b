"""Tells the organisation's webhooks, and a summary's own callback, in the transaction of what happened."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.outbox.deliveries import Happening, endpoints_wanting, queue_callback, queue_deliveries
from app.summaries.models import Summary
from app.summaries.telling.facts import BY_STATUS, event_of, facts_of
from app.summaries.telling.queries import read_facts
from app.summaries.vocabulary import CALLBACK, Status


async def tell_of_change(
    session: AsyncSession, summary: Summary, written: Mapping[str, Any]
) -> None:  # Any: column values
    """`written` are the columns that were changed, `summary` is the row with them."""
    event = event_of(summary, written)
    if event is None:
        return
    wanting = await endpoints_wanting(session, event, organization_id=summary.organization_id)
    happening = Happening(event, summary.organization_id, summary.id, facts_of(summary))
    await queue_deliveries(session, happening, wanting)
    await _call_back(session, summary, happening, also=summary.also_call)


async def tell_of_end(
    session: AsyncSession, taken: Summary, status: object, *, also_call: Sequence[str]
) -> None:
    """`taken` is the row as the job took it up, `also_call` is the row's by now.

    Where nobody listens, no more than that is asked.
    """
    event = BY_STATUS.get(Status(str(status)))
    if event is None:
        return
    # Whoever heard of one that is not kept would collect it before whoever asked for it.
    wanting = (
        []
        if taken.ephemeral
        else await endpoints_wanting(session, event, organization_id=taken.organization_id)
    )
    if not wanting and not also_call and CALLBACK not in taken.options:
        return
    row = await read_facts(session, taken.organization_id, taken.id)
    happening = Happening(event, taken.organization_id, taken.id, facts_of(row))
    await queue_deliveries(session, happening, wanting)
    await _call_back(session, taken, happening, also=also_call)


async def _call_back(
    session: AsyncSession, summary: Summary, happening: Happening, *, also: Sequence[str]
) -> None:
    if happening.event not in BY_STATUS.values():
        return
    own = summary.options.get(CALLBACK)
    # Each once, whoever named it.
    for url in dict.fromkeys([own, *also] if own else also):
        await queue_callback(session, happening, url=url)
