import re
from datetime import UTC, datetime
from io import BytesIO
from itertools import pairwise
from zipfile import ZipFile

import pytest

from app.reading.article import RawDocument
from app.reading.content_types import DOCX
from app.reading.documents import read_docx, read_pdf, reflow
from app.reading.errors import ReadingError, Reason
from app.reading.extract import extract
from tests.reading.archives_made import with_part
from tests.reading.documents_made import pdf, word, zip_bomb

pytestmark = pytest.mark.unit
CORE = re.compile(rb"<(?:Relationship|Override)\b[^>]*docProps/core\.xml[^>]*>")
WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


@pytest.mark.parametrize("body", [b"%PDF-1.7 and then nothing", b"", b"%PDF-" + bytes(1000)])
def test_a_broken_pdf_is_unsupported(body: bytes) -> None:
    with pytest.raises(ReadingError) as failed:
        read_pdf(body)
    assert failed.value.reason is Reason.UNSUPPORTED_TYPE


@pytest.mark.parametrize("body", [b"", b"PK\x03\x04 nonsense", b"plain text"])
def test_a_broken_word_document_is_unsupported(body: bytes) -> None:
    with pytest.raises(ReadingError) as failed:
        read_docx(body)
    assert failed.value.reason is Reason.UNSUPPORTED_TYPE


DEEP = f"<w:document {WORD}><w:body>{'<w:p>' * 300_000}{'</w:p>' * 300_000}</w:body></w:document>"
LAUGHS = "".join(f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in pairwise("abcdefghij"))
LAUGHING = f'<!DOCTYPE x [<!ENTITY a "ha">{LAUGHS}]><w:document {WORD}><w:body>&j;</w:body></w:document>'


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("word/document.xml", ""),
        ("word/document.xml", "<w:document"),
        ("word/document.xml", "<a/>"),
        ("word/document.xml", f"<w:document {WORD}/>"),
        ("word/document.xml", DEEP),
        ("word/document.xml", LAUGHING),
        ("docProps/core.xml", "<x"),
        ("_rels/.rels", "<x"),
        ("[Content_Types].xml", "nonsense"),
    ],
)
def test_a_word_document_with_a_damaged_part_is_unsupported(part: str, content: str) -> None:
    with pytest.raises(ReadingError) as failed:
        read_docx(with_part(word("Words."), part, content))
    assert failed.value.reason is Reason.UNSUPPORTED_TYPE
    assert failed.value.__cause__ is None


def test_a_word_document_reads_no_file_that_it_names() -> None:
    named = (
        f'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><w:document {WORD}><w:body><w:p><w:r><w:t>'
    )
    body = with_part(word(), "word/document.xml", f"{named}&a;</w:t></w:r></w:p></w:body></w:document>")
    assert read_docx(body).text == ""


def test_a_word_document_that_unpacks_to_a_bomb_is_refused_before_it_is_unpacked() -> None:
    with pytest.raises(ReadingError) as failed:
        read_docx(zip_bomb())
    assert failed.value.reason is Reason.TOO_LARGE


def test_a_pdf_gives_its_text_and_metadata() -> None:
    article = read_pdf(pdf("The bees are back on the roofs of the city,", "say their keepers."))
    assert article.text == "The bees are back on the roofs of the city, say their keepers."
    assert (article.title, article.author) == ("A title", "Ann Author")
    assert article.published_at == datetime(2024, 2, 29, 12, 15, tzinfo=UTC)


@pytest.mark.parametrize("date", ["D:20241399", "yesterday"])
def test_a_pdf_with_a_senseless_date_has_none(date: str) -> None:
    body = pdf("Some text.").replace(b"D:20240229121500+01'00'", date.encode().ljust(23))
    assert read_pdf(body).published_at is None


def test_a_word_document_gives_its_text_and_metadata() -> None:
    article = read_docx(word("First paragraph.", "", "Second paragraph."))
    assert article.text == "First paragraph.\nSecond paragraph."
    assert (article.title, article.author) == ("A report", "Ann Author")


def test_a_word_document_without_properties_is_given_none() -> None:
    out = BytesIO()
    with ZipFile(BytesIO(word("First paragraph."))) as source, ZipFile(out, "w") as made:
        for name in source.namelist():
            if name != "docProps/core.xml":
                made.writestr(name, CORE.sub(b"", source.read(name)))
    article = read_docx(out.getvalue())
    assert (article.text, article.title, article.author) == ("First paragraph.", None, None)
    assert extract(RawDocument(out.getvalue(), DOCX, name="bees.docx")).title == "bees.docx"


def test_printed_lines_become_paragraphs() -> None:
    page = "A sentence that runs over the end of its\nline and con-\ntinues here.\nA new one begins.\n\nLast"
    assert list(reflow(page)) == [
        "A sentence that runs over the end of its line and continues here.",
        "A new one begins.",
        "Last",
    ]
