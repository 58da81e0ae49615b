"""What there is to look for."""

from fastapi import APIRouter

from app.core.db import DatabaseDep
from app.core.schemas import Page
from app.summaries.parameters import CanReadSummaries
from app.summaries.search.repository import Shelf
from app.summaries.search.schemas import TagCount

router = APIRouter()


@router.get("/tags")
async def tags(principal: CanReadSummaries, database: DatabaseDep) -> Page[TagCount]:
    """The 100 tags that are used most, counted in the newest 10,000 summaries of mine and of all."""
    shelf = Shelf(database, principal.organization_id, viewer=principal.user_id)
    counted = await shelf.tags()
    items = [TagCount(tag=tag, count=count) for tag, count in counted]
    return Page(items=items, next_cursor=None, has_more=False)
