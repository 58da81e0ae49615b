"""GET of one summary, as what answers it before routing needs to know it."""

from uuid import UUID

from starlette.requests import HTTPConnection

from app.core.cache import CachedBody, Miss
from app.core.principal import Principal, Scope
from app.core.warm_reads import WarmRoute
from app.summaries import answers
from app.summaries.reads import SummaryReads
from app.summaries.rendering import cache_key, may_read


def warm_route(prefix: str) -> WarmRoute:
    """`prefix`: where the router of summaries is included."""
    return WarmRoute(
        path=f"{prefix}/{{summary_id}}",
        needs=Scope.SUMMARIES_READ,
        key=cache_key,
        may_read=may_read,
        load=_load,
        answer=answers.read,
    )


async def _load(
    connection: HTTPConnection, principal: Principal, summary_id: UUID, missed: Miss
) -> CachedBody | None:
    """What is handed over once is the route's to hand over."""
    reads: SummaryReads = connection.app.state.summary_reads
    cold = await reads.find(principal, summary_id, missed)
    return cold.document if cold and cold.is_kept else None
