"""What a response is: its declared type, corrected by what its first bytes say."""

import re
from dataclasses import dataclass

from app.reading.errors import ReadingError, Reason

HTML = "text/html"
TEXT = "text/plain"
MARKDOWN = "text/markdown"
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

KNOWN = {
    "text/html": HTML,
    "application/xhtml+xml": HTML,
    "text/plain": TEXT,
    "text/markdown": MARKDOWN,
    "application/pdf": PDF,
    "application/x-pdf": PDF,
}
# Servers that do not know a type say one of these, or nothing: only the bytes tell.
UNDECLARED = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/x-download"})
PDF_MAGIC = b"%PDF-"
SNIFFED_BYTES = 1024
CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
MARKUP = re.compile(rb"<(?:!doctype\s+html|html|head|body|title|meta|p|div|article)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DeclaredType:
    media_type: str
    charset: str


def parse_content_type(header: str) -> DeclaredType:
    media_type = header.partition(";")[0].strip().lower()
    charset = CHARSET.search(header)
    return DeclaredType(media_type, charset.group(1).lower() if charset else "")


def refuse_hopeless(declared: DeclaredType) -> None:
    """Before the body is read: a declared video need not be downloaded to be refused."""
    if declared.media_type not in KNOWN and declared.media_type not in UNDECLARED:
        raise ReadingError(Reason.UNSUPPORTED_TYPE, declared.media_type)


def settle_type(declared: DeclaredType, body: bytes) -> str:
    """HTML, TEXT, MARKDOWN or PDF. Raises unsupported_type for other bytes, under whatever name they came."""
    head = body[:SNIFFED_BYTES]
    if head.lstrip().startswith(PDF_MAGIC):
        return PDF
    known = KNOWN.get(declared.media_type)
    if known == PDF or (b"\x00" in head and not _is_wide_text(declared, head)):
        raise ReadingError(Reason.UNSUPPORTED_TYPE, f"{declared.media_type!r} holds other bytes")
    if known:
        return known
    if declared.media_type == "" or MARKUP.search(head):
        return HTML if MARKUP.search(head) else TEXT
    raise ReadingError(Reason.UNSUPPORTED_TYPE, declared.media_type)


def _is_wide_text(declared: DeclaredType, head: bytes) -> bool:
    return declared.charset.startswith(("utf-16", "utf-32", "utf16", "utf32")) or head.startswith(WIDE_BOMS)
