"""What kind of answer somebody who has a link asks for."""

from typing import Annotated

from fastapi import Header, Request

from app.core.http import MAX_HEADER_LENGTH, accepts_html
from app.core.middleware.head import WAS_HEAD
from app.summaries.sharing.qr import QrFormat

# Chromium and Safari, older ones of both, Firefox: a page is fetched that perhaps nobody will look at.
PREFETCH_HEADERS = ("sec-purpose", "purpose", "x-purpose", "x-moz")
PREFETCHES = ("prefetch", "prerender", "preview")

Accept = Annotated[str, Header(max_length=MAX_HEADER_LENGTH)]


def prefers_json(accept: str) -> bool:
    """Only by its name: whoever takes anything gets the page."""
    return "application/json" in accept and not accepts_html(accept)


def qr_format(accept: str, wanted: QrFormat | None) -> QrFormat:
    """SVG unless PNG is asked for, by the parameter or alone in Accept."""
    if wanted is not None:
        return wanted
    return QrFormat.PNG if "image/png" in accept and "image/svg" not in accept else QrFormat.SVG


def is_seen(request: Request) -> bool:
    """Whether somebody looks at the answer now: it has a body, and was not fetched ahead."""
    said = " ".join(request.headers.get(name, "") for name in PREFETCH_HEADERS).lower()
    return WAS_HEAD not in request.scope and not any(word in said for word in PREFETCHES)
