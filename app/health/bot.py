"""The page that our User-Agent names: for owners of sites who find us in their logs."""

from html import escape

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from app.core.openapi import ANONYMOUS
from app.core.plain_page import plain_page
from app.health.context import SettingsDep
from app.settings import Settings

# For a day: it changes with a deployment.
HEADERS = {"Cache-Control": "public, max-age=86400"}
ROBOTS = {
    "honour": "<p>To keep us away from your site, or a part of it, say so in its <code>robots.txt</code> "
    "(RFC 9309). We read it at most a day later, and mind a <code>Crawl-delay</code> up to ten seconds:</p>"
    "<pre><code>User-agent: PrecisBot\nDisallow: /</code></pre>",
    "ignore": "<p>This deployment is set not to read <code>robots.txt</code>. To keep us away, refuse our "
    "<code>User-Agent</code>, or write to its operator.</p>",
}

router = APIRouter()


@router.get("/bot", response_class=HTMLResponse, openapi_extra=ANONYMOUS)
async def bot(settings: SettingsDep) -> HTMLResponse:
    """Who fetches pages under our name, why, and how to keep it away."""
    return plain_page("PrecisBot", _body(settings), HEADERS)


def _body(settings: Settings) -> str:
    contact = settings.fetch_contact
    write_to = f"<p>Anything else: {_linked(contact)}.</p>" if contact else ""
    return (
        f"<p>Requests under the name <code>{escape(settings.bot_user_agent)}</code> come from Precis at "
        f'<a href="/">{escape(settings.base_url)}</a>, which summarises single pages.</p>'
        "<p>It does not crawl: each page is fetched because a person, or a program of theirs, asked for a "
        "summary of it, or for that summary once more. It follows no link, sends no cookie, logs in nowhere, "
        "and loads neither images nor scripts.</p>"
        f"<p>It comes about {settings.fetch_pace_per_second:g} times a second to one host at most, however "
        "many ask. It stays away as long as <code>Retry-After</code> says with a <code>429</code> or "
        "<code>503</code>, up to ten minutes, and fetches again only what has changed, where that can be "
        "told.</p>"
        f"{ROBOTS[settings.robots_txt]}{write_to}"
    )


def _linked(contact: str) -> str:
    """Only what is plainly an address or a web page becomes a link."""
    shown = escape(contact)
    if contact.startswith(("https://", "http://")):
        return f'<a href="{shown}">{shown}</a>'
    return f'<a href="mailto:{shown}">{shown}</a>' if "@" in contact else shown
