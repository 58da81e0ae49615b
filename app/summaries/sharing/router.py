"""Share links, as those who made them handle them. The page that they lead to: public.py."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from app.auth.own_sessions.errors import ImpersonatedError
from app.core.guard import OwnSession
from app.core.idempotency import IDEMPOTENCY_ERRORS
from app.core.idempotency_route import IdempotentRoute, OnceInOwnSession
from app.core.openapi import problems
from app.summaries.errors import SummaryForbiddenError, SummaryNotFoundError
from app.summaries.parameters import CanReadSummaries, CanWriteSummaries, SummaryId
from app.summaries.sharing.errors import NotSharedError
from app.summaries.sharing.negotiation import Accept, qr_format
from app.summaries.sharing.qr import MEDIA_TYPES, QrFormat, qr_code
from app.summaries.sharing.schemas import ShareIn, ShareView
from app.summaries.sharing.service import Shared, SharingService

router = APIRouter(route_class=IdempotentRoute)

IMAGES: dict[int | str, dict[str, Any]] = {  # Any: OpenAPI JSON
    200: {
        "description": "The link as a QR code.",
        "content": {
            media_type: {"schema": {"type": "string", "format": "binary"}}
            for media_type in MEDIA_TYPES.values()
        },
    }
}


async def reading_shares(
    principal: CanReadSummaries, session: OwnSession, request: Request
) -> SharingService:
    return SharingService(session, principal, request.app.state.share_links)


async def writing_shares(
    principal: CanWriteSummaries, session: OwnSession, request: Request
) -> SharingService:
    return SharingService(session, principal, request.app.state.share_links)


ReadingShares = Annotated[SharingService, Depends(reading_shares)]
WritingShares = Annotated[SharingService, Depends(writing_shares)]


@router.post(
    "/{summary_id}/share",
    status_code=201,
    responses={
        200: {"model": ShareView, "description": "It was shared already: the same link."},
        **problems(*IDEMPOTENCY_ERRORS, SummaryForbiddenError, SummaryNotFoundError, ImpersonatedError),
    },
)
async def share(
    shares: WritingShares,
    summary_id: SummaryId,
    request: Request,
    response: Response,
    _once: OnceInOwnSession,
    wanted: ShareIn | None = None,
) -> ShareView:
    """Make a link by which anybody can read this summary; one at a time."""
    shared = await shares.share(summary_id, wanted or ShareIn())
    response.status_code = 201 if shared.is_new else 200
    return _view(shared, request)


@router.get("/{summary_id}/share", name="read", responses=problems(SummaryNotFoundError, NotSharedError))
async def read_share(shares: ReadingShares, summary_id: SummaryId, request: Request) -> ShareView:
    """The link, and how often it was opened."""
    return _view(await shares.read(summary_id), request)


@router.get(
    "/{summary_id}/share/qr",
    name="qr",
    response_class=Response,
    responses={**IMAGES, **problems(SummaryNotFoundError, NotSharedError)},
)
async def read_qr(
    shares: ReadingShares,
    summary_id: SummaryId,
    request: Request,
    format: QrFormat | None = None,  # noqa: A002  # the parameter's name in the URL
    accept: Accept = "",
) -> Response:
    """The link as a QR code: SVG, or PNG by `format` or Accept."""
    kind = qr_format(accept, format)
    image = qr_code(address_of_share(request, await shares.link(summary_id)), kind)
    headers = {"Vary": "Accept", "Content-Disposition": f'inline; filename="share.{kind}"'}
    return Response(image, media_type=MEDIA_TYPES[kind], headers=headers)


@router.delete(
    "/{summary_id}/share",
    status_code=204,
    response_class=Response,
    name="revoke",
    responses=problems(SummaryForbiddenError, SummaryNotFoundError, NotSharedError),
)
async def revoke_share(shares: WritingShares, summary_id: SummaryId) -> None:
    """End the link at once; another one will have another address."""
    await shares.revoke(summary_id)


def address_of_share(request: Request, name: str) -> str:
    base_url: str = request.app.state.settings.base_url
    return f"{base_url}/s/{name}"


def _view(shared: Shared, request: Request) -> ShareView:
    return ShareView(
        share_id=shared.name,
        url=address_of_share(request, shared.name) if shared.name else None,
        created_at=shared.share.created_at,
        expires_at=shared.share.expires_at,
        expired=shared.has_ended,
        view_count=shared.share.view_count,
    )
