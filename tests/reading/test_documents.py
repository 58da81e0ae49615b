from datetime import UTC, datetime

import pytest

from app.reading.documents import read_docx, read_pdf, reflow
from app.reading.errors import ReadingError, Reason
from tests.reading.documents_made import pdf, word, zip_bomb

pytestmark = pytest.mark.unit


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


def test_printed_lines_become_paragraphs() -> None:
    page = "A sentence that runs over the end of its\nline and con-\ntinues here.\nA new one begins.\n\nLast"
    assert list(reflow(page)) == [
        "A sentence that runs over the end of its line and continues here.",
        "A new one begins.",
        "Last",
    ]
