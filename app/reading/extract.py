"""Main text and metadata of whatever was fetched or sent."""

import re
from dataclasses import replace
from datetime import UTC, datetime

from lxml.etree import strip_elements
from trafilatura import bare_extraction, extract_metadata, html2txt, load_html
from trafilatura.settings import Document

from app.core.composed import composed
from app.reading.article import Article, RawDocument
from app.reading.canonical import claimed_address
from app.reading.content_types import DOCX, HTML, MARKDOWN, PDF, TEXT
from app.reading.decode import clean, decode
from app.reading.documents import read_docx, read_pdf
from app.reading.errors import ReadingError, Reason
from app.reading.language import language_of, primary_language
from app.reading.markdown import read_markdown
from app.reading.unwrap import unwrap
from app.reading.weight import Effort, effort, tame

# Two million characters are three long novels: what follows would only cost the reader's time and ours.
LONGEST_TEXT = 2_000_000
LONGEST_FIELD = 500
LONGEST_DESCRIPTION = 2000
HEAD_CHARACTERS = 20_000
BODY = re.compile(r"<body\b", re.IGNORECASE)
TEXTLESS = ("aside", "fencedframe", "footer", "script", "style", "svg", "template")
HTML_LANG = re.compile(
    r"<html\b[^>]{0,2000}?\s(?:xml:)?lang\s*=\s*[\"']?([A-Za-z]{2,3}\b[\w-]*)", re.IGNORECASE
)
LOCALE = re.compile(
    r"<meta\b[^>]{0,200}?(?:og:locale|content-language|dc\.language)[\"']?[^>]{0,200}?"
    r"content\s*=\s*[\"']?([A-Za-z]{2,3}\b[\w-]*)",
    re.IGNORECASE,
)


def extract(document: RawDocument) -> Article:
    """Raise `ReadingError` for unsupported types; an article without text is the caller's to judge."""
    article = _read(document)
    # Composed a few letters become longer.
    text = composed(clean(article.text)[:LONGEST_TEXT])[:LONGEST_TEXT]
    return replace(
        article,
        text=text,
        title=_field(document.title or article.title or document.name),
        author=_field(article.author),
        site_name=_field(article.site_name),
        description=_field(article.description, LONGEST_DESCRIPTION),
        language=language_of(text, declared=article.language),
    )


def _read(document: RawDocument) -> Article:
    match document.content_type:
        case content_type if content_type == HTML:
            html = decode(document.body, document.charset)
            return replace(_read_html(html, document.url), canonical_url=claimed_address(html, document.url))
        case content_type if content_type == TEXT:
            return Article(text=unwrap(decode(document.body, document.charset)[:LONGEST_TEXT]))
        case content_type if content_type == MARKDOWN:
            return read_markdown(decode(document.body, document.charset))
        case content_type if content_type == PDF:
            return read_pdf(document.body)
        case content_type if content_type == DOCX:
            return read_docx(document.body)
        case other:
            raise ReadingError(Reason.UNSUPPORTED_TYPE, other)


def _read_html(raw: str, url: str | None) -> Article:
    html = tame(raw)
    level = effort(html)
    if level is Effort.FLAT:
        return replace(_described(_metadata(html[:HEAD_CHARACTERS], url), html), text=_coarse_flat_text(html))
    found = bare_extraction(
        html,
        url=url,
        fast=level is Effort.FAST,
        with_metadata=True,
        include_comments=False,
        include_tables=False,
    )
    if isinstance(found, Document):
        return _described(found, html)
    # No article, but perhaps a few words: the caller tells "empty" from "too short" by them.
    return replace(_described(_metadata(html, url), html), text=_flat_text(html))


def _flat_text(html: str) -> str:
    """All text in order."""
    return html2txt(_with_body(html))


def _coarse_flat_text(html: str) -> str:
    """The same of a page with a great many tags, where looking for banners by class took half of the time."""
    tree = load_html(_with_body(html))
    if tree is None:
        return ""
    strip_elements(tree, *TEXTLESS, with_tail=False)
    return html2txt(tree, clean=False)


def _with_body(html: str) -> str:
    """A fragment is wrapped: html2txt takes what has no body for a feed."""
    return html if BODY.search(html) else f"<html><body>{html}</body></html>"


def _metadata(html: str, url: str | None) -> Document:
    return extract_metadata(html, default_url=url) if html.strip() else Document()


def _described(page: Document, html: str) -> Article:
    return Article(
        text=page.text or "",
        title=page.title,
        author=page.author,
        published_at=_date(page.date),
        site_name=page.sitename,
        language=page_language(html),
        description=page.description,
    )


def page_language(html: str) -> str | None:
    head = html[:HEAD_CHARACTERS]
    match = HTML_LANG.search(head) or LOCALE.search(head)
    return primary_language(match.group(1)) if match else None


def _date(text: str | None) -> datetime | None:
    """From YYYY-MM-DD, the form that trafilatura gives."""
    try:
        return datetime.fromisoformat(text or "").replace(tzinfo=UTC)
    except ValueError:
        return None


def _field(text: str | None, longest: int = LONGEST_FIELD) -> str | None:
    line = " ".join(composed(clean(text or "")).split())
    return line[:longest] or None
