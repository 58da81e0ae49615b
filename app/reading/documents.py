"""Text and metadata of PDF and Word documents."""

import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO

import docx
import pypdfium2
from docx.document import Document as WordDocument
from docx.opc.constants import RELATIONSHIP_TYPE

from app.reading.article import Article
from app.reading.errors import ReadingError, Reason

PAGES_READ = 500
MIB = 1024 * 1024
DOCX_UNPACKED = 64 * MIB
DOCX_ENTRIES = 2000
PDF_DATE = re.compile(r"D:(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?")
HYPHENS = ("-", "\u00ad", "\u2010", "\ufffe")
ENDS_SENTENCE = re.compile(r"[.!?:\u2026\u3002\uff01\uff1f][\"')\]\u2019\u201d]*$")
SHORT_LINE = 0.75


def read_pdf(body: bytes) -> Article:
    try:
        with pypdfium2.PdfDocument(body) as pdf:
            info = pdf.get_metadata_dict(skip_empty=True)
            pages = [_page_text(pdf, at) for at in range(min(len(pdf), PAGES_READ))]
    except pypdfium2.PdfiumError as error:
        # Damaged, or locked with a password.
        raise ReadingError(Reason.UNSUPPORTED_TYPE, f"pdf: {error}") from error
    return Article(
        text="\n".join(line for page in pages for line in reflow(page)),
        title=info.get("Title"),
        author=info.get("Author"),
        published_at=_pdf_date(info.get("CreationDate", "")),
    )


def _page_text(pdf: pypdfium2.PdfDocument, at: int) -> str:
    page = pdf[at]
    textpage = page.get_textpage()
    try:
        return str(textpage.get_text_bounded())
    finally:
        textpage.close()
        page.close()


def reflow(page: str) -> Iterator[str]:
    """Join a page's printed lines to paragraphs: a sentence broken over lines could not be ranked whole."""
    lines = [line.strip() for line in page.splitlines()]
    full = max((len(line) for line in lines), default=0)
    paragraph = ""
    for line in lines:
        if paragraph.endswith(HYPHENS) and line[:1].islower():
            paragraph = paragraph[:-1] + line
        else:
            paragraph = f"{paragraph} {line}" if paragraph and line else paragraph + line
        if not line or (len(line) < SHORT_LINE * full and ENDS_SENTENCE.search(line)):
            yield from filter(None, [paragraph])
            paragraph = ""
    yield from filter(None, [paragraph])


def _pdf_date(text: str) -> datetime | None:
    """ISO 32000-1 7.9.4. The zone is left out: the day is what a reader wants."""
    match = PDF_DATE.match(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
    try:
        return datetime(year, month or 1, day or 1, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def read_docx(body: bytes) -> Article:
    try:
        return _read_docx(body)
    except (ReadingError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001  # what is damaged shows as whatever python-docx stumbles over
        # Its text alone: lxml's errors do not travel out of a child process.
        raise ReadingError(Reason.UNSUPPORTED_TYPE, f"docx: {error!r}") from None


def _read_docx(body: bytes) -> Article:
    _refuse_zip_bomb(body)
    document = docx.Document(BytesIO(body))
    text = "\n".join(paragraph.text for paragraph in document.paragraphs if paragraph.text.strip())
    if not _has_properties(document):
        return Article(text)
    properties = document.core_properties
    return Article(
        text=text,
        title=properties.title or None,
        author=properties.author or None,
        published_at=properties.created.replace(tzinfo=UTC) if properties.created else None,
        language=properties.language or None,
    )


def _has_properties(document: WordDocument) -> bool:
    """Where a document has none python-docx makes some up, with a title."""
    related = document.part.package.rels.values() if document.part.package else ()
    return any(one.reltype == RELATIONSHIP_TYPE.CORE_PROPERTIES for one in related)


def _refuse_zip_bomb(body: bytes) -> None:
    """The declared sizes may be trusted: zipfile never unpacks more of an entry than it declares."""
    with zipfile.ZipFile(BytesIO(body)) as archive:
        entries = archive.infolist()
    if len(entries) > DOCX_ENTRIES or sum(entry.file_size for entry in entries) > DOCX_UNPACKED:
        raise ReadingError(Reason.TOO_LARGE, f"docx: {len(entries)} entries")
