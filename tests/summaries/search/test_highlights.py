"""Marks of the database's as offsets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.summaries.search.highlights import Range, read_marks

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("marked", [None, "", "nothing matched", "\x1f東\x1f"])
def test_nothing_marked_is_nothing(marked: str | None) -> None:
    assert read_marks("title", marked) is None


def test_letters_that_were_set_apart_are_one_again() -> None:
    found = read_marks("title", "a \x1f\x02東\x03\x1f\x1f\x02京\x03\x1f都 \x02b\x03")
    assert found is not None
    assert (found.text, found.ranges) == ("a 東京都 b", (Range(2, 4), Range(6, 7)))


@given(st.lists(st.tuples(st.text(st.characters(exclude_characters="\x02\x03\x1f")), st.booleans())))
def test_the_text_is_kept_and_the_ranges_are_what_was_marked(pieces: list[tuple[str, bool]]) -> None:
    marked = "".join(f"\x02{piece}\x03" if mark else piece for piece, mark in pieces)
    found = read_marks("notes", marked)
    wanted = [piece for piece, mark in pieces if mark]
    if found is None:
        assert wanted == []
    else:
        assert found.text == "".join(piece for piece, _ in pieces)
        assert [found.text[each.start : each.end] for each in found.ranges] == wanted
