"""What is kept about me: to take along, and to be rid of."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Send
from starlette.types import Scope as ConnectionScope
from typing_extensions import override

from app.accounts.archive import Archive
from app.accounts.deactivation import DeactivationService, Leaving
from app.accounts.errors import AccountGoneError
from app.accounts.export import ExportService
from app.core.browser_cookies import BrowserCookies
from app.core.guard import OwnSession, RecentLoginRequiredError, require_recently
from app.core.http import client_address
from app.core.limits import AsyncLimiter, Hit, Limit
from app.core.openapi import problems
from app.core.principal import Principal, Scope
from app.core.schemas import ResponseModel, UtcDatetime
from app.organizations.errors import LastOwnerError

router = APIRouter(responses=problems(RecentLoginRequiredError))

MayExport = Annotated[Principal, require_recently(Scope.PROFILE_READ)]
MayLeave = Annotated[Principal, require_recently(Scope.PROFILE_WRITE)]
# For the reference alone, which wants a bound on everything.
MAX_ZIP_BYTES = 2**40
ZIP: dict[int | str, dict[str, Any]] = {  # Any: OpenAPI JSON
    200: {
        "description": "NDJSON files, and a manifest.json that names them with SHA-256 and count.",
        "content": {
            "application/zip": {"schema": {"type": "string", "format": "binary", "maxLength": MAX_ZIP_BYTES}}
        },
    }
}


class AccountClosed(ResponseModel):
    detail: str
    receipt: UUID
    erase_after: UtcDatetime


class ZipResponse(StreamingResponse):
    """Closes its archive however the sending ends."""

    media_type = "application/zip"

    def __init__(self, archive: Archive, *, name: str) -> None:
        super().__init__(archive.chunks(), headers={"Content-Disposition": f'attachment; filename="{name}"'})
        self._archive = archive

    @override
    async def __call__(self, scope: ConnectionScope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._archive.close()


# The status in full: FastAPI else looks for it in the signature of the response's own class.
@router.get("/me/export", status_code=200, response_class=ZipResponse, responses=ZIP)
async def export_me(principal: MayExport, session: OwnSession, request: Request) -> ZipResponse:
    """Everything that is kept about me, as a zip. Takes a recent login; three an hour."""
    limiter: AsyncLimiter = request.app.state.limiter
    await limiter.enforce(request, [Hit(Limit.EXPORT, str(principal.user_id))])
    address = client_address(request.scope.get("client"))
    archive = await ExportService(session, principal).export(address=address)
    return ZipResponse(archive, name=f"precis-export-{datetime.now(UTC):%Y-%m-%d}.zip")


@router.delete("/me", responses=problems(AccountGoneError, LastOwnerError))
async def close_me(
    principal: MayLeave, session: OwnSession, request: Request, response: Response
) -> AccountClosed:
    """Close my account at once, and erase it after a time of grace. Takes a recent login.

    Every session and key of mine ends. Until `erase_after` the staff can undo it; then all that is mine is
    erased. The receipt names the erasure, and nobody.
    """
    state = request.app.state
    grace = timedelta(days=state.settings.account_erasure_days)
    leaving = Leaving(principal, client_address(request.scope.get("client")), grace)
    erasure = await DeactivationService(session, state.principal_cache).deactivate(leaving)
    cookies: BrowserCookies = state.browser_cookies
    cookies.clear(response)
    detail = "Your account is closed, and will be erased"
    return AccountClosed(detail=detail, receipt=erasure.id, erase_after=erasure.erase_after)
