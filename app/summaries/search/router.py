"""What there is to look for."""

from fastapi import APIRouter

from app.core.guard import OwnSession
from app.summaries.parameters import CanReadSummaries
from app.summaries.search.repository import Shelf
from app.summaries.search.schemas import TagCount, TagsView

router = APIRouter()


@router.get("/tags")
async def tags(principal: CanReadSummaries, session: OwnSession) -> TagsView:
    """The 100 tags that are used most, counted in the newest 10,000 summaries of mine and of all."""
    shelf = Shelf(session, principal.organization_id, viewer=principal.user_id)
    counted = await shelf.tags()
    return TagsView(items=[TagCount(tag=tag, count=count) for tag, count in counted])
