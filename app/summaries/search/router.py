"""What there is to look for."""

from fastapi import APIRouter

from app.core.db import DatabaseDep
from app.summaries.parameters import CanReadSummaries
from app.summaries.search.repository import Shelf
from app.summaries.search.schemas import TagCount, TagsView

router = APIRouter()


@router.get("/tags")
async def tags(principal: CanReadSummaries, database: DatabaseDep) -> TagsView:
    """The 100 tags that are used most, counted in the newest 10,000 summaries of mine and of all."""
    shelf = Shelf(database, principal.organization_id, viewer=principal.user_id)
    counted = await shelf.tags()
    return TagsView(items=[TagCount(tag=tag, count=count) for tag, count in counted])
