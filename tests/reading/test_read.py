import time

import pytest

from app.reading.article import RawDocument
from app.reading.content_types import HTML, TEXT
from app.reading.errors import ADVICE, ReadingError, Reason
from app.reading.read import digest, extract_document, summarise_article
from tests.reading.documents_made import html

pytestmark = pytest.mark.unit

SENTENCE = "Bees are returning to the roofs of the city, beekeepers said on Monday to the council."
DESCRIBED = '<title>Bees</title><meta name="description" content="Of bees and roofs.">'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", Reason.EMPTY_EXTRACTION),
        (b" \n\t ", Reason.EMPTY_EXTRACTION),
        (b"... --- ...", Reason.EMPTY_EXTRACTION),
        (b"Nineteen words " * 9, Reason.TOO_SHORT),
    ],
)
def test_too_little_text_has_its_own_reason(body: bytes, reason: Reason) -> None:
    with pytest.raises(ReadingError) as failed:
        digest(RawDocument(body, TEXT))
    assert failed.value.reason is reason


def test_a_short_page_falls_back_to_its_description_and_says_so() -> None:
    result = digest(RawDocument(html("Bees are back.", head=DESCRIBED), HTML)).result
    assert (result.summary.text, result.low_content, result.from_description) == (
        "Of bees and roofs.",
        True,
        True,
    )
    assert result.summary.sentences == ()


def test_a_short_page_without_description_is_summarised_from_its_text() -> None:
    result = digest(RawDocument((SENTENCE + " ").encode() * 2, TEXT)).result
    assert (result.summary.text, result.low_content, result.from_description) == (SENTENCE, True, False)


def test_a_full_article_is_not_low_content() -> None:
    read = digest(RawDocument(html(*[f"{SENTENCE} {n}" for n in range(10)], head=DESCRIBED), HTML))
    assert not read.result.low_content


def test_each_stage_says_how_many_milliseconds_it_took() -> None:
    document = RawDocument(html(*[f"{SENTENCE} {n}" for n in range(1000)]), HTML)
    began = time.perf_counter()
    extracted = extract_document(document)
    between = time.perf_counter()
    result = summarise_article(extracted.article)
    ended = time.perf_counter()
    assert 0 < extracted.milliseconds <= (between - began) * 1000 + 1
    assert 0 < result.milliseconds <= (ended - between) * 1000 + 1


def test_the_advice_for_no_words_fits_a_text_too() -> None:
    assert ADVICE[Reason.EMPTY_EXTRACTION].hint.startswith("No words were found. If it is a page,")


def test_every_reason_has_advice() -> None:
    assert set(ADVICE) == set(Reason)
