"""The page behind every problem's `type`: what it means and what to do, for people and for programs."""

from html import escape
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import HTMLResponse

from app.core.errors import CATALOGUE, NotFoundError, ProblemError
from app.core.http import accepts_html
from app.core.known_query import refuse_unknown_query
from app.core.openapi import ANONYMOUS, problems
from app.core.plain_page import plain_page
from app.core.schemas import Page, ResponseModel
from app.health.context import SettingsDep
from app.settings import Settings

HEADERS = {"Vary": "Accept"}

router = APIRouter()


class ProblemDescription(ResponseModel):
    type: str
    code: str
    status: int
    title: str
    meaning: str
    hint: str | None
    retryable: bool


@router.get(
    "/problems",
    response_model=Page[ProblemDescription],
    dependencies=[Depends(refuse_unknown_query)],
    openapi_extra=ANONYMOUS,
)
async def list_problems(
    request: Request, response: Response, settings: SettingsDep
) -> Page[ProblemDescription] | HTMLResponse:
    """Every error this service answers with; as a page for browsers."""
    items = [_describe(error, settings) for _, error in sorted(CATALOGUE.items())]
    if accepts_html(request.headers.get("accept")):
        links = "".join(
            f'<li><a href="/problems/{item.code}"><code>{item.code}</code></a> {escape(item.title)}</li>'
            for item in items
        )
        return _page("Problems", f"<ul>{links}</ul>")
    response.headers.update(HEADERS)
    return Page(items=items, next_cursor=None, has_more=False)


@router.get(
    "/problems/{code}",
    response_model=ProblemDescription,
    responses=problems(NotFoundError),
    openapi_extra=ANONYMOUS,
)
async def read_problem(
    code: Annotated[str, Path(json_schema_extra={"maxLength": 100})],
    request: Request,
    response: Response,
    settings: SettingsDep,
) -> ProblemDescription | HTMLResponse:
    """What one error means, and what to do; as a page for browsers."""
    if code not in CATALOGUE:
        raise NotFoundError
    described = _describe(CATALOGUE[code], settings)
    if accepts_html(request.headers.get("accept")):
        return _page(described.title, _definition(described))
    response.headers.update(HEADERS)
    return described


def _describe(error: type[ProblemError], settings: Settings) -> ProblemDescription:
    return ProblemDescription(
        type=f"{settings.base_url}/problems/{error.code}",
        code=error.code,
        status=error.status,
        title=error.title,
        meaning=error.meaning or error.title,
        hint=error.hint,
        retryable=error.retryable,
    )


def _definition(item: ProblemDescription) -> str:
    again = "Yes, the same request may succeed later." if item.retryable else "No, change the request first."
    rows = {"What it means": item.meaning, "What to do": item.hint or "", "Worth repeating?": again}
    body = "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in rows.items() if text)
    return (
        f"<p><code>{item.code}</code>, status {item.status}</p><dl>{body}</dl>"
        '<p><a href="/problems">All problems</a></p>'
    )


def _page(title: str, body: str) -> HTMLResponse:
    return plain_page(title, body, HEADERS)
