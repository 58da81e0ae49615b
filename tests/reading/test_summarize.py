import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reading.article import Length, LengthUnit
from app.reading.ranking import REDUNDANCY, Ranked, dot, rank
from app.reading.sentences import split_sentences
from app.reading.summarize import AT_MOST, KEY_POINTS, SAME, rank_all, summarise
from app.reading.terms import vocabulary

pytestmark = pytest.mark.unit

STORY = """Bees are returning to the roofs of the city, beekeepers said on Monday.
The number of bee colonies on city roofs has doubled since 2020, according to the beekeepers' union.
What does that mean for the gardens below?
Gardeners near the colonies report more apples and pears than in any year before.
The mayor wants to allow bee colonies on every public roof, the library and the town hall among them.
It rained on Tuesday.
Critics warn that honey bees take food from wild bees, which need flowers of their own.
The union answers that the city has planted more flowers than its colonies can visit.
A study by the university will count wild bees near ten roofs until next summer.
Then the council will decide on the bee colonies."""


def test_an_empty_text_has_an_empty_summary() -> None:
    summary = summarise("")
    assert (summary.text, summary.sentences, summary.word_count, summary.reading_minutes) == ("", (), 0, 0)


@given(st.text(max_size=400), st.integers(1, 60))
def test_every_sentence_of_a_summary_stands_in_the_text(text: str, words: int) -> None:
    summary = summarise(text, length=Length(words))
    assert all(text[chosen.start : chosen.end] == chosen.text for chosen in summary.sentences)
    assert list(summary.sentences) == sorted(summary.sentences, key=lambda chosen: chosen.start)
    assert summary.text == " ".join(chosen.text for chosen in summary.sentences)


@pytest.mark.parametrize("words", [30, 50, 80, 100])
def test_the_budget_of_words_holds_within_a_tenth(words: int) -> None:
    assert summarise(STORY, language="en", length=Length(words)).summary_word_count <= AT_MOST * words


def test_one_sentence_over_the_budget_is_better_than_none() -> None:
    assert len(summarise(STORY, language="en", length=Length(1)).sentences) == 1


@pytest.mark.parametrize("count", [1, 3, 10, 99])
def test_a_count_of_sentences_is_kept(count: int) -> None:
    summary = summarise(STORY, language="en", length=Length(count, LengthUnit.SENTENCES))
    assert len(summary.sentences) == min(count, 10)


def test_what_the_text_is_about_beats_asides_and_questions() -> None:
    chosen = summarise(STORY, title="Bees on city roofs", language="en", length=Length(50)).text
    assert "bee colonies" in chosen
    assert "It rained" not in chosen
    assert "What does that mean" not in chosen


def test_the_same_sentence_is_not_chosen_twice() -> None:
    repeated = "The very same sentence stands here again and again.\n" * 50
    assert len(summarise(repeated, language="en").sentences) == 1


@given(st.lists(st.sampled_from(STORY.split("\n")), max_size=30))
def test_the_key_points_are_those_that_comparing_everything_each_time_finds(lines: list[str]) -> None:
    text = "\n".join(line + " And more." * (at % 3) for at, line in enumerate(lines))
    ranked = rank_all(split_sentences(text, "en"), None, vocabulary("en"))
    wanted = [item.sentence.text for item in _most_relevant(ranked, KEY_POINTS)]
    assert list(summarise(text, language="en").key_points) == wanted


def _most_relevant(ranked: list[Ranked], count: int) -> list[Ranked]:
    """Maximal marginal relevance as it is defined, each against all that is chosen."""
    chosen: list[Ranked] = []
    while len(chosen) < count:
        liked = [
            (item, max((dot(item.vector, other.vector) for other in chosen), default=0.0)) for item in ranked
        ]
        left = [(item, like) for item, like in liked if item not in chosen and like < SAME]
        if not left:
            break
        chosen.append(max(left, key=lambda pair: pair[0].score - REDUNDANCY * pair[1])[0])
    return chosen


def test_a_long_document_gives_its_tail_a_say() -> None:
    filler = "".join(f"Alpha{n} beta{n} gamma{n} delta{n} epsilon{n}.\n" for n in range(1500))
    tail = "The treaty on rivers was signed. The treaty protects rivers from dams, and rivers from mines."
    points = summarise(filler + tail, title="The treaty on rivers", language="en").key_points
    assert any("treaty" in point for point in points)


def test_keywords_are_the_phrases_the_text_repeats() -> None:
    found = summarise(STORY, language="en").keywords
    assert "bee colonies" in found
    assert len(found) <= 8


def test_a_keyword_is_spelled_as_it_is_most_often_and_shares_no_word_with_another() -> None:
    text = "Dams, rivers; a dam, a River. RIVERS? The dam, rivers, rivers. Cape Town, Cape Town."
    assert summarise(text, language="en").keywords == ("Cape Town", "rivers", "dam")


def test_a_word_of_which_the_stemmer_leaves_nothing_stands_for_itself() -> None:
    two, book, to = "\u0926\u094b", "\u0915\u093f\u0924\u093e\u092c", "\u0915\u094b"
    assert vocabulary("ne").terms(f"{two} {book} {to}")[0] == two
    text = f"{two} {book}. {two} {book}. {two} {book}."
    assert summarise(text, language="ne").keywords == (f"{two} {book}",)


def test_key_points_are_five_at_most() -> None:
    assert len(summarise(STORY, language="en").key_points) == 5


@pytest.mark.parametrize("language", ["zh", "ja", "th", "ar", "no", "xx", None])
def test_every_language_gets_a_summary(language: str | None) -> None:
    text = "\u6625\u5929\u6765\u4e86\u3002\u82b1\u5f00\u4e86\u3002\u6211\u4eec\u53bb\u770b\u82b1\u3002"
    assert summarise(text, language=language).sentences


def test_fragments_lists_of_words_and_open_ends_lose_points() -> None:
    text = "Bees love roofs in town.\nBees.\nBees love roofs in town:\n" + "bees roofs town " * 40
    sentences = split_sentences(text, "en")
    scores = [
        ranked.score for ranked in rank(sentences, positions=[0] * 4, title=None, vocabulary=vocabulary("en"))
    ]
    assert scores[0] == max(scores)


def test_the_headline_is_no_sentence_of_the_summary() -> None:
    body = " ".join(
        f"Lighthouses number {n} speak in flashes along the whole northern coast." for n in range(9)
    )
    summary = summarise(f"How Lighthouses\nSpeak\n\n{body}", title="How lighthouses speak", language="en")
    assert "How Lighthouses" not in summary.text
    assert summarise("Only a title here", title="Only a title here").text == "Only a title here"


def test_a_sentence_that_fits_and_says_nearly_as_much_is_better_than_one_over_the_budget() -> None:
    short = "Bees love roofs and bees love towns."
    long = f"{short[:-1]} and bees love gardens and bees love parks and bees love many old roofs today."
    assert summarise(f"{long}\n{short}", language="en", length=Length(10)).text == short
    assert summarise(f"{long}\nIt rained.", language="en", length=Length(10)).text == long
