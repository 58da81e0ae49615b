"""What the libraries for extractive summaries choose, from our sentences and under our budget.

They are given our sentences, stems and stop words where they take them: what is compared is the ranking, and
sumy would download its own. summa splits for itself.
"""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TypeVar
from warnings import catch_warnings, simplefilter

from summa.summarizer import summarize as summa_summarize  # type: ignore[import-untyped]  # ships no types
from sumy.models.dom import ObjectDocumentModel, Paragraph, Sentence  # type: ignore[import-untyped]  # as above
from sumy.summarizers.lex_rank import LexRankSummarizer  # type: ignore[import-untyped]  # as above
from sumy.summarizers.lsa import LsaSummarizer  # type: ignore[import-untyped]  # as above
from sumy.summarizers.text_rank import TextRankSummarizer  # type: ignore[import-untyped]  # as above

from app.reading.article import Length
from app.reading.language import primary_language
from app.reading.sentences import WORD, count_words, split_sentences
from app.reading.summarize import Budget
from app.reading.terms import STEMMERS, vocabulary
from tests.quality.evaluation_data import Reference
from tests.quality.rouge import Summariser

T = TypeVar("T")
RANKERS = {"LexRank": LexRankSummarizer, "TextRank": TextRankSummarizer, "LSA": LsaSummarizer}


class OurWords:
    """What sumy calls a tokenizer."""

    def to_words(self, sentence: str) -> Sequence[str]:
        return WORD.findall(sentence)


def sumy(summarizer: Callable[..., Callable[..., Sequence[Sentence]]]) -> Summariser:
    def summarise(document: Reference, words: int) -> list[str]:
        language = primary_language(document.language)
        known = vocabulary(language)
        ranker = summarizer(known.stem)
        ranker.stop_words = known.stop_words  # type: ignore[attr-defined]  # sumy's way to give them
        with catch_warnings():
            # LSA says so where a document has fewer words than it has sentences.
            simplefilter("ignore", UserWarning)
            chosen = ranker(_dom(document.text, language), lambda infos: _within(infos, words, _text_of))
        return [str(sentence) for sentence in chosen]

    return summarise


def summa(document: Reference, words: int) -> list[str]:
    """All its sentences with their scores, then as many of the best as ours may take."""
    language = STEMMERS.get(primary_language(document.language) or "", "english")
    scored = summa_summarize(document.text, ratio=1.0, language=language, split=True, scores=True)
    best = _within(sorted(scored, key=lambda pair: -pair[1]), words, lambda pair: pair[0])
    return [sentence for sentence, _ in scored if sentence in {text for text, _ in best}]


def _text_of(info: object) -> str:
    return str(info.sentence)  # type: ignore[attr-defined]  # sumy's SentenceInfo


def _within(ranked: Sequence[T], words: int, text_of: Callable[[T], str]) -> list[T]:
    budget = Budget(Length(words))
    taken: list[T] = []
    for item in ranked:
        size = count_words(text_of(item))
        if budget.is_spent:
            break
        if budget.admits(size):
            budget.spend(size)
            taken.append(item)
    return taken


def _dom(text: str, language: str | None) -> ObjectDocumentModel:
    tokenizer = OurWords()
    lines = groupby(split_sentences(text, language), key=lambda sentence: text.count("\n", 0, sentence.start))
    return ObjectDocumentModel(
        [Paragraph([Sentence(sentence.text, tokenizer) for sentence in line]) for _, line in lines]
    )


LIBRARIES: dict[str, Summariser] = {
    "summa": summa,
    **{f"sumy {name}": sumy(summarizer) for name, summarizer in RANKERS.items()},
}
