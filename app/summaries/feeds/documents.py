"""A feed's documents: Atom (RFC 4287) and JSON Feed 1.1.

Neither names its own address: it is a secret, and a document is passed on more readily than an address.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from app.core.schemas import to_rfc3339
from app.core.templates import Templates
from app.core.web_address import web_address
from app.summaries.bullets import points_of
from app.summaries.feeds.service import OpenedFeed
from app.summaries.models import Summary

TITLE = "My summaries"
UNTITLED = "Untitled"
# What no XML document may hold, escaped or not (XML 1.0, section 2.2).
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TEMPLATES = Templates("app.summaries.feeds")


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """Every text legal in XML; `html` is escaped once, as a document of its own."""

    id: UUID
    url: str | None
    title: str
    text: str
    html: str
    language: str | None
    tags: tuple[str, ...]
    published: str
    updated: str


def last_change(entries: Sequence[Summary], *, otherwise: datetime) -> datetime:
    return max((entry.updated_at for entry in entries), default=otherwise)


def atom(feed: OpenedFeed, *, base_url: str) -> bytes:
    """`base_url`: where the service's own pages are."""
    values = {
        "id": feed.id.urn,
        "title": TITLE,
        "home": base_url,
        "updated": to_rfc3339(last_change(feed.entries, otherwise=datetime.fromtimestamp(0, UTC))),
        "entries": [_entry(summary) for summary in feed.entries],
    }
    return _TEMPLATES.render("atom.xml", values).encode()


def json_feed(feed: OpenedFeed, *, base_url: str) -> bytes:
    return to_json(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": TITLE,
            "home_page_url": base_url,
            "items": [_item(_entry(summary)) for summary in feed.entries],
        }
    )


def _item(entry: FeedEntry) -> dict[str, Any]:  # Any: JSON
    item = {
        "id": entry.id.urn,
        "url": entry.url,
        "title": entry.title,
        "content_html": entry.html,
        "content_text": entry.text,
        "date_published": entry.published,
        "date_modified": entry.updated,
        "tags": entry.tags,
        "language": entry.language,
    }
    # Where there is none, the format wants none.
    return {name: value for name, value in item.items() if value is not None}


def _entry(summary: Summary) -> FeedEntry:
    points = [legal(point) for point in summary.key_points]
    text = legal(summary.summary or "")
    return FeedEntry(
        id=summary.id,
        url=web_address(summary.url),
        title=legal(summary.title or UNTITLED),
        text="\n".join([text, *(f"- {point}" for point in points)]),
        html=_html(text, points),
        language=summary.language,
        tags=tuple(legal(tag) for tag in summary.tags),
        published=to_rfc3339(summary.created_at),
        updated=to_rfc3339(summary.updated_at),
    )


def _html(text: str, points: list[str]) -> str:
    paragraphs = "".join(f"<p>{escape(line)}</p>" for line in text.splitlines() if line.strip())
    return (_list(points_of(text)) or paragraphs) + _list(points)


def _list(points: list[str]) -> str:
    items = "".join(f"<li>{escape(point)}</li>" for point in points)
    return f"<ul>{items}</ul>" if items else ""


def legal(text: str) -> str:
    return _ILLEGAL.sub("", text)
