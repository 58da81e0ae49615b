"""The difference of two wordings: readable, and cheap whatever they are."""

import random
import time

import pytest

from app.summaries.versions.difference import MOST_SENTENCES, difference

pytestmark = pytest.mark.unit
NAMES = ("1", "current")


def test_same_words_differ_in_nothing() -> None:
    assert difference("Rain fell. It stopped.", "Rain fell.\nIt stopped.", names=NAMES).text == ""


def test_sentences_are_compared_one_by_one() -> None:
    found = difference("Rain fell. It stopped.", "Rain fell. It went on!", names=NAMES)
    assert found.text.splitlines()[2:] == ["@@ -1,2 +1,2 @@", " Rain fell.", "-It stopped.", "+It went on!"]


@pytest.mark.parametrize(("former", "later"), [("", "Rain fell."), ("Rain fell.", ""), ("", "")])
def test_nothing_is_a_wording_too(former: str, later: str) -> None:
    assert difference(former, later, names=NAMES).is_truncated is False


def test_chinese_sentences_end_without_a_space_and_are_one_line() -> None:
    found = difference("\u4e0b\u96e8\u4e86\u3002", "\u4e0b\u96ea\u4e86\u3002", names=NAMES)
    assert "-\u4e0b\u96e8\u4e86\u3002" in found.text


@pytest.mark.parametrize("alphabet", ["a", "ab", "abcdefghij"])
def test_worst_wordings_cost_little(alphabet: str) -> None:
    draw = random.Random(1)  # noqa: S311  # no secret
    former, later = (" ".join(draw.choice(alphabet) + "." for _ in range(7000)) for _ in range(2))
    began = time.process_time()
    found = difference(former, later, names=NAMES)
    assert time.process_time() - began < 2
    assert found.is_truncated
    assert len(found.text.splitlines()) <= 2 * MOST_SENTENCES + 3 + MOST_SENTENCES
