import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from app.core.composed import composed
from app.summaries.schemas import Tag, Tags

pytestmark = pytest.mark.unit
DECOMPOSED = "e\u0301"


@given(st.text(st.characters(codec="utf-8"), max_size=15))
def test_what_looks_alike_is_spelled_alike(text: str) -> None:
    assert composed(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("hostile", ["\u0301\u0323" * 1_000_000, ("\u0301\u0323" * 7 + "a") * 130_000])
def test_marks_without_end_take_no_time_to_speak_of(hostile: str) -> None:
    started = time.process_time()
    assert composed(DECOMPOSED + "a" + hostile).startswith("é")
    # Sorting them all would take the better part of an hour.
    assert time.process_time() - started < 10


def test_a_limit_holds_for_what_is_stored() -> None:
    assert TypeAdapter(Tag).validate_python(DECOMPOSED * 50) == "é" * 50
    with pytest.raises(ValueError, match="at most 50"):
        # Each becomes two, for good.
        TypeAdapter(Tag).validate_python("\u0958" * 50)


def test_tags_that_look_alike_are_one() -> None:
    assert TypeAdapter(Tags).validate_python(["caf" + DECOMPOSED, "café"]) == ["café"]
