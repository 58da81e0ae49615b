"""My feed's private address: made, replaced and ended here. The feed itself: public.py."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from app.auth.own_sessions.errors import ImpersonatedError, SessionRequiredError
from app.core.guard import OwnSession
from app.core.idempotency import IDEMPOTENCY_ERRORS
from app.core.idempotency_route import IdempotentRoute, OnceForSameScopes
from app.core.openapi import problems
from app.summaries.feeds.errors import FeedNotFoundError
from app.summaries.feeds.schemas import FeedCreated
from app.summaries.feeds.service import FeedService
from app.summaries.parameters import CanReadSummaries

router = APIRouter(route_class=IdempotentRoute)

OWN = (SessionRequiredError, ImpersonatedError)


async def own_feed(principal: CanReadSummaries, session: OwnSession) -> FeedService:
    return FeedService(session, principal)


OwnFeed = Annotated[FeedService, Depends(own_feed)]


@router.post("/feed", status_code=201, responses=problems(*OWN, *IDEMPOTENCY_ERRORS))
async def create(feed: OwnFeed, request: Request, _once: OnceForSameScopes) -> FeedCreated:
    """Make the address of a feed of my summaries, in place of a former one; it is shown this once."""
    token = await feed.create()
    here = f"{request.app.state.settings.base_url}/feeds/{token}"
    return FeedCreated(token=token, atom_url=f"{here}/atom.xml", json_url=f"{here}/feed.json")


@router.delete("/feed", status_code=204, response_class=Response, responses=problems(*OWN, FeedNotFoundError))
async def remove(feed: OwnFeed) -> None:
    """End my feed at once."""
    await feed.remove()
