"""What of a person's opens something without a login, and outlives sessions."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.api_keys.service import revoke_all_keys
from app.core.principal_cache import PrincipalCache
from app.summaries.feeds.service import end_all_feeds


async def end_lasting_credentials(session: AsyncSession, user_id: UUID, *, cache: PrincipalCache) -> None:
    """API keys and feeds, in every organisation of the user's, who the transaction must be bound to.

    Each organisation's log is told of its own. Who did it, the log says of what this is a part of.
    """
    # First, as it locks the person: who makes a feed meanwhile comes before, or after.
    await revoke_all_keys(session, user_id, cache=cache)
    await end_all_feeds(session, user_id)
