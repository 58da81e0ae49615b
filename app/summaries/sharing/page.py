"""The public page: one file without script, image or anything from elsewhere.

What it shows comes from anybody's web page. Jinja2 escapes it, and the browser is told to run and to load
nothing but the one style whose digest the header names.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files

from app.core.templates import Templates
from app.summaries.bullets import points_of
from app.summaries.sharing.errors import SharedPageNotFoundError
from app.summaries.sharing.schemas import SharedSummary

STYLE = (files("app.summaries.sharing") / "templates" / "page.css").read_text("utf-8")
STYLE_DIGEST = b64encode(sha256(STYLE.encode()).digest()).decode()
CSP = (
    f"default-src 'none'; style-src 'sha256-{STYLE_DIGEST}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CSP,
    # Each time asked for anew: a link that was revoked is over for caches, too.
    "Cache-Control": "private, no-cache",
    "Vary": "Accept",
    "X-Robots-Tag": "noindex, nofollow",
}
# Written from right to left, by their primary subtag.
RIGHT_TO_LEFT = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "iw", "ps", "sd", "ug", "ur", "yi"})

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", re.ASCII)
_TEMPLATES = Templates("app.summaries.sharing")


def render(shared: SharedSummary) -> str:
    language = shared.language or ""
    known = language if _LANGUAGE.fullmatch(language) else None
    values = {
        "title": shared.title,
        "url": shared.url,
        "summary": shared.summary,
        "points": points_of(shared.summary),
        "key_points": shared.key_points,
        "lang": known,
        "dir": _direction(known),
        "style": STYLE,
    }
    return _TEMPLATES.render("shared.html", values)


def render_missing() -> str:
    error = SharedPageNotFoundError
    values = {"heading": error.title, "meaning": error.meaning, "hint": error.hint, "style": STYLE}
    return _TEMPLATES.render("missing.html", values)


def _direction(language: str | None) -> str:
    """Where the language is not known the first strong letter decides."""
    if language is None:
        return "auto"
    return "rtl" if language.partition("-")[0].lower() in RIGHT_TO_LEFT else "ltr"
