"""What `q` is read as."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import ValidationFailedError
from app.summaries.search.query import POINTER, ParsedQuery, parse_query

pytestmark = pytest.mark.unit

WORD = st.text(st.characters(exclude_characters='"', exclude_categories=["Z", "C"]), min_size=1, max_size=9)
TERMS = [
    ("", [], []),
    ("old bridge", ["old", "bridge"], []),
    ('"old bridge" town', ["old bridge", "town"], []),
    ('-ferry -"old bridge"', [], ["ferry", "old bridge"]),
    ("a - b", ["a", "b"], []),
    ('"tag:news"', ["tag:news"], []),
    ("https://example.com/a?b=c:d 12:30", ["https://example.com/a?b=c:d", "12:30"], []),
    ('one"two"three', ["one", "two", "three"], []),
    ('""', [], []),
    ("well-known", ["well-known"], []),
    ("\u3000東京\u00a0都", ["東京", "都"], []),
]


@pytest.mark.parametrize(("text", "terms", "without"), TERMS)
def test_words_and_phrases(text: str, terms: list[str], without: list[str]) -> None:
    parsed = parse_query(text)
    assert (parsed.terms, parsed.without) == (terms, without)


def test_filters_of_every_kind_beside_words() -> None:
    parsed = parse_query(
        'river TAG:"old news" -site:Example.COM lang:de-CH status:Ready is:favorite'
        " -is:archived after:2026-01-31 before:2026-02-01T12:00:00+02:00"
    )
    assert parsed.terms == ["river"]
    assert parsed.labels == ["tag:old news", "lang:de-ch"]
    assert parsed.without_labels == ["site:example.com"]
    assert parsed.chosen == {
        "status": "ready",
        "favourite": True,
        "archived": False,
        "created_after": datetime(2026, 1, 31, tzinfo=UTC),
        "created_before": datetime(2026, 2, 1, 10, tzinfo=UTC),
    }


@pytest.mark.parametrize(
    "text", ["字" * 32, " ".join(["長い文"] * 10), '"' + "x " * 32 + '"', "a-b/c.d " * 8]
)
def test_so_many_words_are_taken(text: str) -> None:
    assert parse_query(text).terms


@pytest.mark.parametrize("text", ["字" * 33, "-" + "字" * 33, '"' + "x " * 17 + '" "' + "y " * 16 + '"'])
def test_more_words_are_refused_however_they_are_put(text: str) -> None:
    with pytest.raises(ValidationFailedError) as refused:
        parse_query(text)
    assert [fault.code for fault in refused.value.faults] == ["too_many_words"]


def test_the_same_twice_is_no_contradiction() -> None:
    assert parse_query("is:shared is:shared").chosen == {"visibility": "organization"}


@given(st.text(max_size=400))
def test_whatever_is_sent_is_read_or_refused_at_q(text: str) -> None:
    pointers, parsed = [POINTER], ParsedQuery()
    try:
        parsed = parse_query(text)
    except ValidationFailedError as error:
        pointers = [fault.pointer for fault in error.faults]
    assert pointers == [POINTER]
    assert all((*parsed.terms, *parsed.without))


@given(
    st.lists(
        st.text(st.characters(exclude_characters='"', exclude_categories=["Z", "C"]), min_size=1, max_size=8),
        max_size=4,
    )
)
def test_what_is_in_quotes_is_taken_as_it_is(words: list[str]) -> None:
    quoted = " ".join(f'"{word}"' for word in words)
    assert parse_query(quoted).terms == words
