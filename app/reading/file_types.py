"""What an uploaded file is: by its bytes. Its name decides only between kinds of text that look alike."""

import re
from typing import BinaryIO

from app.reading.archives import BadArchiveError, list_entries
from app.reading.content_types import DOCX, HTML, MARKDOWN, PDF, PDF_MAGIC, TEXT, WIDE_BOMS
from app.reading.errors import ReadingError, Reason

HEAD_BYTES = 4096
ZIP_MAGIC = b"PK\x03\x04"
WORD_PART = b"word/document.xml"
MIB = 1024 * 1024
DOCX_UNPACKED = 64 * MIB
DOCX_ENTRIES = 2000
HTML_BYTES = 5 * MIB
# WHATWG MIME Sniffing, section 3: no text has these.
BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
# Of formats that may begin like text.
OTHER_FORMATS = (b"GIF8", b"{\\rtf", b"%!PS", b"MZ\x90", b"\x7fELF", b"\xff\xd8\xff", b"\x89PNG")
LEADING = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s|<!--(?:[^-]|-(?!->)){0,2000}-->|<\?xml[^>]{0,200}\?>)*")
DOCUMENT = re.compile(rb"<(?:!doctype\s+html|html|head|body|title|meta|script|style)\b", re.IGNORECASE)
FRAGMENT = re.compile(rb"<(?:h[1-6]|p|div|table|article|section|main|ul|ol|a|b|br|font)\b", re.IGNORECASE)
XML = b"<?xml"
MARKDOWN_NAMES = (".md", ".markdown", ".mdown", ".mkd")
MARKDOWN_TYPES = frozenset({"text/markdown", "text/x-markdown"})


def settle_file_type(file: BinaryIO, *, name: str, declared: str = "") -> str:
    """PDF, DOCX, HTML, MARKDOWN or TEXT. `file` can be sought; reads a few kilobytes of it, blocking.

    Raise ReadingError: unsupported_type, or too_large for what would unpack to more than is ever read.
    """
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if head.startswith(ZIP_MAGIC):
        _check_docx(file)
        return DOCX
    if head.lstrip().startswith(PDF_MAGIC):
        return PDF
    if head.startswith(OTHER_FORMATS) or (BINARY.search(head) and not head.startswith(WIDE_BOMS)):
        raise ReadingError(Reason.UNSUPPORTED_TYPE, "binary")
    return _settle_text(head, is_markdown=_says_markdown(name, declared))


def _says_markdown(name: str, declared: str) -> bool:
    media_type = declared.partition(";")[0].strip().lower()
    return name.lower().endswith(MARKDOWN_NAMES) or media_type in MARKDOWN_TYPES


def _settle_text(head: bytes, *, is_markdown: bool) -> str:
    """Markdown may begin with a tag; a whole HTML document is one whatever it is called."""
    leading = LEADING.match(head)
    start = head[leading.end() if leading else 0 :]
    if DOCUMENT.match(start):
        return HTML
    if XML in head[: len(head) - len(start)]:
        raise ReadingError(Reason.UNSUPPORTED_TYPE, "xml")
    if is_markdown:
        return MARKDOWN
    return HTML if FRAGMENT.match(start) else TEXT


def _check_docx(file: BinaryIO) -> None:
    try:
        entries = list_entries(file)
    except BadArchiveError as error:
        raise ReadingError(Reason.UNSUPPORTED_TYPE, f"zip: {error}") from error
    part = next((entry for entry in entries if entry.name == WORD_PART), None)
    if part is None or part.is_encrypted:
        raise ReadingError(Reason.UNSUPPORTED_TYPE, "zip without a Word document")
    if len(entries) > DOCX_ENTRIES or sum(entry.size for entry in entries) > DOCX_UNPACKED:
        raise ReadingError(Reason.TOO_LARGE, f"docx: {len(entries)} entries")
