import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reading.sentences import count_words, split_sentences

pytestmark = pytest.mark.unit


@given(st.text(st.characters(), max_size=300), st.sampled_from(["en", "de", "ja", "xx", None]))
def test_offsets_slice_the_stored_text_exactly(text: str, language: str | None) -> None:
    for sentence in split_sentences(text, language):
        assert text[sentence.start : sentence.end] == sentence.text
        assert sentence.text.strip() == sentence.text


def test_sentences_end_where_a_reader_ends_them_and_at_line_ends() -> None:
    text = "Dr. Smith went home. He slept!\nA heading\nThe end."
    assert [sentence.text for sentence in split_sentences(text, "en")] == [
        "Dr. Smith went home.",
        "He slept!",
        "A heading",
        "The end.",
    ]


@pytest.mark.parametrize("unit", ["\u201c", "word ", "x", "a. ", "(", '"a. '])
def test_a_long_hostile_line_costs_linear_time(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    began = time.process_time()
    sentences = split_sentences(text, "en")
    assert time.process_time() - began < 3
    assert all(text[sentence.start : sentence.end] == sentence.text for sentence in sentences)


@pytest.mark.parametrize("unit", ["a'", "\u0939\u093f", "a\u0300"])
def test_a_word_without_an_end_is_counted_in_constant_memory(unit: str) -> None:
    tracemalloc.start()
    try:
        assert count_words(unit * 500_000) == 1
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("One, two; three.", 3),
        ("It's state-of-the-art 3.5", 3),
        ("\u65e5\u672c\u8a9e\u3067\u3059", 5),
        ("\u0939\u093f\u0928\u094d\u0926\u0940 \u092d\u093e\u0937\u093e", 2),
    ],
)
def test_words_are_counted_in_any_script(text: str, words: int) -> None:
    assert count_words(text) == words


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("- The bees move.\n* So do we.\n\u2022 All.", ["The bees move.", "So do we.", "All."]),
        ("  + - The bees move.", ["The bees move."]),
        ("-\n- \n* * *\nThe end.", ["The end."]),
        ("-5 degrees.\n*Emphasis* is kept.", ["-5 degrees.", "*Emphasis* is kept."]),
    ],
)
def test_the_mark_of_a_lists_item_is_no_part_of_its_sentence(text: str, sentences: list[str]) -> None:
    found = split_sentences(text, "en")
    assert [sentence.text for sentence in found] == sentences
    assert [text[sentence.start : sentence.end] for sentence in found] == sentences
