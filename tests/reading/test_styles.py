"""Every style shows sentences of the text, word for word, at their places."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reading.article import Article, Length, LengthUnit, Sentence, Style
from app.reading.read import summarise_article
from app.reading.sentences import count_words
from app.reading.styles import cut_to_headline, laid_out
from app.reading.summarize import summarise
from app.summaries.results import finished_values, storable
from tests.reading.test_summarize import STORY

pytestmark = pytest.mark.unit

LENGTHS = st.one_of(
    st.builds(Length, st.integers(10, 1000)),
    st.builds(Length, st.integers(1, 50), st.just(LengthUnit.SENTENCES)),
)
# What pages hold: lone surrogates, NUL, line ends of all kinds, letters beyond the first plane, joiners.
WILD = st.text(
    st.sampled_from("ab .,:\u2014\n\r\u2028\x85\x00\ud800\udc00\u200d\U0001f600\u6625\u3002\u0e02e\u0301")
)
TEXTS = st.one_of(WILD, st.text(), st.lists(st.sampled_from(STORY.split("\n"))).map(" ".join))


@given(TEXTS, st.sampled_from(Style), LENGTHS, st.sampled_from(["en", "zh", "th", None]))
def test_every_shown_sentence_stands_in_the_stored_text(
    text: str, style: Style, length: Length, language: str | None
) -> None:
    article = Article(text, language=language)
    row = finished_values(article, summarise_article(article, length, style=style))
    stored = storable(text)
    assert all(stored[one["start"] : one["end"]] == one["text"] for one in row["sentences"])
    assert row["summary"] == laid_out([one["text"] for one in row["sentences"]], style)


@given(TEXTS, LENGTHS)
def test_a_headline_is_one_short_line(text: str, length: Length) -> None:
    summary = summarise(text, length=length, style=Style.HEADLINE)
    assert len(summary.sentences) <= 1
    assert "\n" not in summary.text
    assert count_words(summary.text) <= 15
    assert len(summary.text) <= 120


@given(TEXTS, LENGTHS)
def test_bullets_are_one_sentence_a_line(text: str, length: Length) -> None:
    summary = summarise(text, length=length, style=Style.BULLETS)
    lines = summary.text.split("\n") if summary.text else []
    assert lines == [f"- {sentence.text}" for sentence in summary.sentences]
    paragraph = summarise(text, length=length)
    assert (summary.sentences, summary.summary_word_count) == (
        paragraph.sentences,
        paragraph.summary_word_count,
    )


@pytest.mark.parametrize(
    ("sentence", "headline"),
    [
        ("Bees are back.", "Bees are back."),
        (
            "The mayor wants to allow bees on every public roof, the library and the town hall among them.",
            "The mayor wants to allow bees on every public roof",
        ),
        (
            "Yes, the number of all the bee colonies on the roofs of our good old city has doubled",
            "Yes, the number of all the bee colonies on the roofs of our good old",
        ),
        ("\u0e02" * 300, "\u0e02" * 120),
        ("\u6625" * 40, "\u6625" * 15),
        ("--- " * 60, ("--- " * 30)[:-1].rstrip("- ") or ("--- " * 30)),
    ],
)
def test_a_headline_ends_with_a_clause_or_a_word(sentence: str, headline: str) -> None:
    cut = cut_to_headline(Sentence(sentence, 7, 7 + len(sentence)))
    assert (cut.text, cut.start, cut.end) == (headline, 7, 7 + len(headline))


def test_a_headline_keeps_fewer_words_where_fewer_were_asked_for() -> None:
    assert count_words(summarise(STORY, length=Length(10), style=Style.HEADLINE).text) <= 10


@pytest.mark.parametrize(("words", "style"), [*product([10, 200], [Style.PARAGRAPH, Style.BULLETS])])
def test_a_length_in_words_holds_in_every_style(words: int, style: Style) -> None:
    summary = summarise(STORY, language="en", length=Length(words), style=style)
    assert len(summary.sentences) == 1 or summary.summary_word_count <= 1.1 * words


def test_a_description_that_stands_in_has_the_style_too_and_no_offsets() -> None:
    article = Article("Few words.", description="Bees are back. They like roofs, gardens and parks.")
    texts = {}
    for style in Style:
        summary = summarise_article(article, style=style).summary
        assert summary.sentences == ()
        texts[style] = summary.text
    assert texts[Style.BULLETS] == "- Bees are back.\n- They like roofs, gardens and parks."
    assert texts[Style.HEADLINE] == "Bees are back."
    assert texts[Style.PARAGRAPH] == article.description


def test_a_regional_tag_chooses_its_languages_stop_words() -> None:
    texts = {
        summarise_article(Article(STORY, language=language)).summary.text
        for language in ("en", "en-GB", "en-US")
    }
    assert len(texts) == 1
