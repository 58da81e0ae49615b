"""A page for people in its simplest form: a heading, some paragraphs, no script, nothing from elsewhere."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from html import escape

from fastapi.responses import HTMLResponse

STYLE = (
    "body{font:1rem/1.6 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}"
    "code{background:#eee;padding:.1em .3em}pre code{display:block;padding:1em}"
    "dt{font-weight:600;margin-top:1rem}"
)
# The style's own digest is let through; no other style, no script.
STYLE_DIGEST = b64encode(sha256(STYLE.encode()).digest()).decode()
PAGE_CSP = f"default-src 'none'; style-src 'sha256-{STYLE_DIGEST}'; base-uri 'none'; frame-ancestors 'none'"


def plain_page(title: str, body: str, headers: Mapping[str, str]) -> HTMLResponse:
    """`body` is HTML whose text is escaped already."""
    document = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1>{body}</body></html>"
    )
    return HTMLResponse(document, headers={**headers, "Content-Security-Policy": PAGE_CSP})
