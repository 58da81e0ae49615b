"""The reference pages: swagger-ui from our own files, under a CSP of their own. Off in production."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse

from app.core.errors import NotFoundError
from app.health.context import SettingsDep

ASSETS = Path(__file__).parent / "static" / "swagger-ui"
# The closed list of what /docs/assets serves: a path from outside never reaches the file system.
# Types stand here because guessing one reads files of the system, on the event loop.
SERVED = {
    "swagger-ui-bundle.js": "text/javascript",
    "init.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}
PAGE_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
ONE_DAY = {"Cache-Control": "public, max-age=86400"}


async def require_visible(settings: SettingsDep) -> None:
    if not settings.docs_visible:
        raise NotFoundError


router = APIRouter(dependencies=[Depends(require_visible)], include_in_schema=False)


@router.get("/docs")
async def docs() -> FileResponse:
    headers = {"Content-Security-Policy": PAGE_CSP}
    return FileResponse(ASSETS / "index.html", media_type="text/html", headers=headers)


@router.get("/docs/assets/{name}")
async def docs_asset(name: str) -> FileResponse:
    if name not in SERVED:
        raise NotFoundError
    return FileResponse(ASSETS / name, media_type=SERVED[name], headers=ONE_DAY)


@router.get("/redoc")
async def redoc() -> RedirectResponse:
    """Redoc does not work under the CSP; old links find the reference all the same."""
    return RedirectResponse("/docs")


@router.get("/openapi.json")
async def openapi(request: Request) -> JSONResponse:
    document: dict[str, Any] = request.app.openapi()  # Any: OpenAPI JSON
    return JSONResponse(document)
