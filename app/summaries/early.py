"""GET of one summary, of the list and its count, as what answers them before routing needs to know them."""

from uuid import UUID

from starlette.requests import HTTPConnection
from starlette.responses import Response

from app.core.cache import CachedBody, Miss
from app.core.early.lists import EarlyList
from app.core.early.reads import EarlyRead
from app.core.page_answer import rendered_page
from app.core.principal import Principal, Scope
from app.summaries import answers
from app.summaries.errors import SummaryNotFoundError
from app.summaries.reads import SummaryReads
from app.summaries.rendering import cache_key, may_read
from app.summaries.schemas import CountView
from app.summaries.search.plain import PlainCount, PlainList, plain_count, plain_list


def early_read(prefix: str) -> EarlyRead:
    """`prefix`: where the router of summaries is included."""
    return EarlyRead(
        path=f"{prefix}/{{summary_id}}",
        needs=Scope.SUMMARIES_READ,
        key=cache_key,
        may_read=may_read,
        load=_load,
        answer=answers.read,
    )


def early_list(prefix: str) -> EarlyList[PlainList]:
    return EarlyList(path=prefix, needs=Scope.SUMMARIES_READ, read=plain_list, answer=_answer_page)


def early_count(prefix: str) -> EarlyList[PlainCount]:
    return EarlyList(
        path=f"{prefix}/count", needs=Scope.SUMMARIES_READ, read=plain_count, answer=_answer_count
    )


async def _answer_page(connection: HTTPConnection, principal: Principal, asked: PlainList) -> Response:
    reads: SummaryReads = connection.app.state.summary_reads
    page = await reads.page(principal, asked.filters, asked.order, asked.page)
    return rendered_page(page, connection)


async def _answer_count(connection: HTTPConnection, principal: Principal, asked: PlainCount) -> Response:
    reads: SummaryReads = connection.app.state.summary_reads
    counted = CountView(count=await reads.count(principal, asked.filters, at_most=asked.at_most))
    return Response(counted.model_dump_json(), media_type="application/json")


async def _load(
    connection: HTTPConnection, principal: Principal, summary_id: UUID, missed: Miss
) -> CachedBody | None:
    """What is handed over once is the route's to hand over. Raises SummaryNotFoundError."""
    reads: SummaryReads = connection.app.state.summary_reads
    cold = await reads.find(principal, summary_id, missed)
    if cold is None:
        raise SummaryNotFoundError
    return cold.document if cold.is_kept else None
