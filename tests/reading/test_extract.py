from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reading.article import RawDocument
from app.reading.content_types import DOCX, HTML, PDF, TEXT
from app.reading.errors import ReadingError, Reason
from app.reading.extract import extract
from app.reading.weight import FAST_TAGS
from tests.quality import hostile
from tests.reading.documents_made import html, pdf, word

pytestmark = pytest.mark.unit

SENTENCE = "Bees are returning to the roofs of the city, beekeepers said on Monday to the council."
HEAD = """<title>Bees return - The Daily</title>
<meta property="og:title" content="Bees return"><meta property="og:site_name" content="The Daily">
<meta name="author" content="Ann Author"><meta name="description" content="Of bees and roofs.">
<meta property="article:published_time" content="2024-05-06T07:08:09Z">"""


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(ReadingError) as failed:
        extract(RawDocument(b"\x89PNG", "image/png"))
    assert failed.value.reason is Reason.UNSUPPORTED_TYPE


@pytest.mark.parametrize("body", [b"", b"<html></html>", b"\x00" * 1000, b"<div>" * 100_000])
def test_a_page_without_text_gives_an_article_without_text(body: bytes) -> None:
    assert extract(RawDocument(body, HTML)).text == ""


def test_a_few_words_are_kept_for_the_caller_to_judge() -> None:
    assert extract(RawDocument(b"<p>hi</p>", HTML)).text == "hi"


def test_an_article_gives_its_text_and_metadata() -> None:
    article = extract(RawDocument(html(*[SENTENCE] * 5, head=HEAD), HTML, url="https://daily.example/bees"))
    assert SENTENCE in article.text
    assert (article.title, article.author, article.site_name) == ("Bees return", "Ann Author", "The Daily")
    assert article.published_at == datetime(2024, 5, 6, tzinfo=UTC)
    assert (article.description, article.language) == ("Of bees and roofs.", "en")


def test_offsets_point_into_composed_text() -> None:
    article = extract(RawDocument("Cafe\u0301s return.".encode(), TEXT, title="Cafe\u0301"))
    assert (article.text, article.title) == ("Cafés return.", "Café")


def test_a_given_title_wins() -> None:
    assert extract(RawDocument(html(SENTENCE), HTML, title="Mine")).title == "Mine"


@pytest.mark.parametrize(
    ("body", "content_type"), [(pdf(SENTENCE), PDF), (word(SENTENCE), DOCX), (SENTENCE.encode(), TEXT)]
)
def test_every_kind_of_document_gives_its_text(body: bytes, content_type: str) -> None:
    assert extract(RawDocument(body, content_type)).text == SENTENCE


def test_the_locale_of_the_page_tells_its_language_when_the_html_tag_does_not() -> None:
    page = b'<html><head><meta property="og:locale" content="it_IT"></head><body><p>Ciao.</p></body></html>'
    assert extract(RawDocument(page, HTML)).language == "it"


@pytest.mark.parametrize("unit", hostile.UNITS)
def test_repeated_markup_of_five_megabytes_still_has_its_text(unit: str) -> None:
    """What it costs is measured alone, by tests.quality.measure."""
    assert extract(RawDocument(hostile.repeated(unit), HTML)).text


def test_of_countless_tags_the_text_is_kept_and_no_script_style_or_drawing() -> None:
    hidden = "".join(
        f"<{name}>hidden</{name}>shown " for name in ("script", "style", "svg", "template", "aside")
    )
    page = f"<html><body>{'<b>w</b> ' * FAST_TAGS}{hidden}</body></html>"
    words = extract(RawDocument(page.encode(), HTML)).text.split()
    assert Counter(words) == {"w": FAST_TAGS, "shown": 5}


def test_a_tag_of_countless_attributes_hides_no_text() -> None:
    assert extract(RawDocument(hostile.many_attributes(SENTENCE), HTML)).text == SENTENCE


def test_an_image_in_the_page_as_a_data_uri_is_left_alone() -> None:
    page = f'<html><body><p>{SENTENCE}</p><img src="data:image/png;base64,{"A" * 50_000}"></body></html>'
    assert extract(RawDocument(page.encode(), HTML)).text == SENTENCE


@given(st.binary(max_size=300), st.sampled_from(["", "utf-8", "utf-16", "gb18030", "nonsense"]))
def test_any_bytes_give_storable_text(body: bytes, charset: str) -> None:
    article = extract(RawDocument(body, HTML, charset))
    assert "\x00" not in article.text
    article.text.encode()
