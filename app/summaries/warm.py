"""GET of one summary, as what answers it before routing needs to know it."""

from app.core.principal import Scope
from app.core.warm_reads import WarmRoute
from app.summaries import answers
from app.summaries.rendering import cache_key, may_read


def warm_route(prefix: str) -> WarmRoute:
    """`prefix`: where the router of summaries is included."""
    return WarmRoute(
        path=f"{prefix}/{{summary_id}}",
        needs=Scope.SUMMARIES_READ,
        key=cache_key,
        may_read=may_read,
        answer=answers.read,
    )
