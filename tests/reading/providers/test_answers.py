"""What of a model's answer is taken, and in which form."""

import pytest

from app.reading.article import Article, Length, LengthUnit, Style
from app.reading.providers.answers import judge_answer
from app.reading.providers.errors import FallbackReason, ProviderError

pytestmark = pytest.mark.unit

ARTICLE = Article("Rain fell on the town for 3 days. The river rose.", title="Rain in 2020", language="en")


def judged(answer: str, style: Style = Style.PARAGRAPH, length: Length | None = None) -> str:
    return judge_answer(answer, ARTICLE, length=length or Length(20), style=style).text


@pytest.mark.parametrize(
    ("answer", "style", "length", "reason"),
    [
        ("Rain fell for 4 days.", Style.PARAGRAPH, None, FallbackReason.UNFAITHFUL),
        ("See https://evil.example now.", Style.PARAGRAPH, None, FallbackReason.UNFAITHFUL),
        ("***", Style.PARAGRAPH, None, FallbackReason.INVALID_ANSWER),
        ("<think>3 days</think>", Style.PARAGRAPH, None, FallbackReason.INVALID_ANSWER),
        ("word " * 61, Style.PARAGRAPH, None, FallbackReason.INVALID_ANSWER),
        ("word " * 31, Style.HEADLINE, None, FallbackReason.INVALID_ANSWER),
        ("It rained. " * 3, Style.BULLETS, Length(1, LengthUnit.SENTENCES), FallbackReason.INVALID_ANSWER),
    ],
)
def test_an_answer_that_invents_or_runs_on_is_refused(
    answer: str, style: Style, length: Length | None, reason: FallbackReason
) -> None:
    with pytest.raises(ProviderError) as caught:
        judged(answer, style, length)
    assert caught.value.reason is reason


@pytest.mark.parametrize(
    ("answer", "style", "text"),
    [
        (
            " Rain fell\nin 2020. \n\n The river rose.",
            Style.PARAGRAPH,
            "Rain fell in 2020.\n\nThe river rose.",
        ),
        ("* Rain fell.\n\n2. The river rose.", Style.BULLETS, "- Rain fell.\n- The river rose."),
        ("Rain fell. The river rose.", Style.BULLETS, "- Rain fell.\n- The river rose."),
        ('**"Rain fell\nfor 3 days"**', Style.HEADLINE, "Rain fell for 3 days"),
        ("<think>4 days?</think>Rain fell.", Style.PARAGRAPH, "Rain fell."),
        ("Rain\x00\u202e fell.\r\n", Style.PARAGRAPH, "Rain fell."),
    ],
)
def test_an_answer_is_laid_out_as_asked(answer: str, style: Style, text: str) -> None:
    assert judged(answer, style) == text


def test_words_are_counted_as_the_rest_of_the_service_counts_them() -> None:
    assert (
        judge_answer("\u6625\u5929\u6765\u4e86", ARTICLE, length=Length(20), style=Style.PARAGRAPH).word_count
        == 4
    )
