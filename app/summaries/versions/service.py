"""What a summary said before, for whoever may read it now."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.cache import CachedBody
from app.core.http import strong_etag
from app.core.pagination import CursorCodec, PageOfRows, PageRequest, Pagination
from app.core.schemas import ResponseModel
from app.summaries.models import Summary
from app.summaries.service import SummaryService
from app.summaries.versions.difference import difference
from app.summaries.versions.errors import VersionNotFoundError
from app.summaries.versions.models import SummaryVersion
from app.summaries.versions.repository import NEWEST_FIRST, VersionRepository
from app.summaries.versions.schemas import DifferenceView, VersionItem, VersionView, VersionWithText
from app.summaries.vocabulary import Style

CURRENT = "current"


class VersionService:
    def __init__(self, session: AsyncSession, summaries: SummaryService, cursors: CursorCodec) -> None:
        self._session = session
        self._summaries = summaries
        self._cursors = cursors

    async def page(self, summary_id: UUID, request: PageRequest) -> PageOfRows[VersionItem]:
        summary = await self._summaries.get(summary_id)
        scope = {"organization_id": summary.organization_id, "summary_id": summary_id}
        pagination = Pagination(self._cursors, NEWEST_FIRST, request, scope)
        found = await self._of(summary).page(summary_id, pagination)
        items = [VersionItem(**_fields(VersionItem, row)) for row in found.items]
        return PageOfRows(items, found.next_cursor)

    async def document(self, summary_id: UUID, number: int) -> CachedBody:
        """A version never changes, and neither does its tag."""
        summary = await self._summaries.get(summary_id)
        version = await self._version(summary, number)
        return _document(summary, VersionView(**_fields(VersionView, version)), tag=str(number))

    async def document_with_text(self, summary_id: UUID, number: int) -> CachedBody:
        summary = await self._summaries.get(summary_id)
        version = await self._version(summary, number)
        text = await self._of(summary).find_text(summary_id, number)
        view = VersionWithText(**_fields(VersionView, version), text=text)
        return _document(summary, view, tag=f"{number}-text")

    async def difference(self, summary_id: UUID, number: int, *, against: int | None) -> CachedBody:
        """`against` None: the summary as it is now."""
        summary = await self._summaries.get(summary_id)
        former = await self._version(summary, number)
        later = summary if against is None else await self._version(summary, against)
        name = CURRENT if against is None else str(against)
        found = difference(former.summary, later.summary or "", names=(str(number), name))
        view = DifferenceView(number=number, against=against, diff=found.text, truncated=found.is_truncated)
        changing = summary.version if against is None else "fixed"
        return _document(summary, view, tag=f"{number}-{name}-{changing}")

    async def _version(self, summary: Summary, number: int) -> SummaryVersion:
        found = await self._of(summary).find(summary.id, number)
        if found is None:
            raise VersionNotFoundError
        return found

    def _of(self, summary: Summary) -> VersionRepository:
        return VersionRepository(self._session, summary.organization_id)


def _fields(model: type[ResponseModel], version: SummaryVersion) -> dict[str, object]:
    named = {name: getattr(version, name) for name in model.model_fields if name != "style"}
    return named | {"style": version.options.get("style", Style.PARAGRAPH)}


def _document(summary: Summary, view: ResponseModel, *, tag: str) -> CachedBody:
    body = view.model_dump_json().encode()
    return CachedBody(strong_etag(tag), str(summary.user_id), summary.visibility, body)
