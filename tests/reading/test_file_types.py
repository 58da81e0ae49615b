from io import BytesIO

import pytest

from app.reading.content_types import DOCX, HTML, MARKDOWN, PDF, TEXT
from app.reading.errors import ReadingError, Reason
from app.reading.file_types import settle_file_type
from tests.reading.archives_made import archive, claiming, encrypted, with_entry_size
from tests.reading.documents_made import html, pdf, word, zip_bomb

pytestmark = pytest.mark.unit
PNG = b"\x89PNG\r\n\x1a\n" + bytes(200)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(200)
EXE = b"MZ\x90\x00\x03\x00\x00\x00" + bytes(200)
ELF = b"\x7fELF\x02\x01\x01" + bytes(200)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(200)
DOC = archive("[Content_Types].xml", "word/document.xml")


def settled(body: bytes, *, name: str = "file", declared: str = "") -> str:
    return settle_file_type(BytesIO(body), name=name, declared=declared)


@pytest.mark.parametrize(
    "body",
    [
        PNG,
        JPEG,
        EXE,
        ELF,
        OLE,
        b"GIF89a=1;%PDF-1.4\n",
        b"{\\rtf1 words}",
        b"%!PS-Adobe-3.0\n",
        b"<?xml version='1.0'?><rss><channel/></rss>",
        b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>",
        b"words\x00more words",
        b"words \x1b[31mred\x01",
        archive("evil.exe"),
        archive("xl/workbook.xml"),
        archive("word/document.xml/other"),
        b"PK\x03\x04 and then nothing",
        b"PK\x03\x04" + b"PK\x05\x06",
        DOC[:-30],
        claiming(DOC, directory_bytes=2**31),
        claiming(DOC, directory_bytes=0xFFFFFFFF),
        claiming(DOC, offset=0xFFFFFFFF),
        claiming(DOC, directory_bytes=7),
        with_entry_size(DOC, 0xFFFFFFFF),
        encrypted(archive("word/document.xml")),
    ],
)
@pytest.mark.parametrize("name", ["report.pdf", "report.docx", "notes.md"])
def test_other_bytes_are_unsupported_whatever_their_name(body: bytes, name: str) -> None:
    with pytest.raises(ReadingError) as failed:
        settled(body, name=name, declared="application/pdf")
    assert failed.value.reason is Reason.UNSUPPORTED_TYPE


@pytest.mark.parametrize(
    "body",
    [
        zip_bomb(),
        with_entry_size(archive("a", "word/document.xml"), 2**31),
        archive("word/document.xml", *(f"part{number}" for number in range(2000))),
    ],
    ids=["unpacks to 70 MiB", "says that it unpacks to 2 GiB", "2001 entries"],
)
def test_a_zip_bomb_is_too_large_before_anything_is_unpacked(body: bytes) -> None:
    with pytest.raises(ReadingError) as failed:
        settled(body, name="report.docx")
    assert failed.value.reason is Reason.TOO_LARGE


def test_a_directory_of_a_megabyte_is_not_read() -> None:
    with pytest.raises(ReadingError) as failed:
        settled(archive("word/document.xml", *(f"{number:0200}" for number in range(4500))))
    assert failed.value.reason is Reason.UNSUPPORTED_TYPE


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (pdf("Words."), PDF),
        (b"\r\n" + pdf("Words."), PDF),
        (pdf("Words.") + archive("evil.exe"), PDF),
        (word("Words."), DOCX),
        (b"PK\x03\x04" + bytes(30) + word("Words."), DOCX),
        (html("Words."), HTML),
        (b"\xef\xbb\xbf  <!-- saved --><!DOCTYPE html><p>Words.", HTML),
        (b"<?xml version='1.0'?>\n<html xmlns='http://www.w3.org/1999/xhtml'/>", HTML),
        (b"<p>Words.", HTML),
        (b"Words <p> of <html>.", TEXT),
        ("Wörter.".encode("latin-1"), TEXT),
        ("Words.".encode("utf-16"), TEXT),
        (b"%PD", TEXT),
        (b"# Words", TEXT),
        (b"<https://a.example> is a page.", TEXT),
    ],
)
@pytest.mark.parametrize("name", ["report.pdf", "a.exe", ""])
def test_the_bytes_say_what_it_is_and_the_name_does_not(body: bytes, kind: str, name: str) -> None:
    assert settled(body, name=name, declared="image/png") == kind


@pytest.mark.parametrize("body", [b"# Words", b"<p align=center>Words</p>\n\n# Words", b"plain"])
def test_among_texts_the_name_or_the_declared_type_says_markdown(body: bytes) -> None:
    assert settled(body, name="README.MD") == MARKDOWN
    assert settled(body, declared="text/markdown; charset=utf-8") == MARKDOWN


@pytest.mark.parametrize(("body", "kind"), [(html("Words."), HTML), (pdf("Words."), PDF)])
def test_a_whole_document_is_no_markdown_by_its_name(body: bytes, kind: str) -> None:
    assert settled(body, name="page.md") == kind
