"""ROUGE-1/2/Lsum of summarisers at equal word budgets, macro over the sets."""

import re
from collections.abc import Callable
from pathlib import Path
from statistics import mean

from rouge_score import rouge_scorer, tokenizers
from typing_extensions import override

from app.reading.article import Length
from app.reading.language import primary_language
from app.reading.sentences import count_words, split_sentences
from app.reading.summarize import Budget, summarise
from tests.quality.evaluation_data import SUMMARY_SETS, Reference, references
from tests.quality.scores import Scores

METRICS = ("rouge1", "rouge2", "rougeLsum")
LEAST_BUDGET = 20
Summariser = Callable[[Reference, int], list[str]]


class AnyLetters(tokenizers.Tokenizer):  # type: ignore[misc]  # rouge_score ships no types
    """The package's own tokenizer drops every letter outside ASCII."""

    @override
    def tokenize(self, text: str) -> list[str]:
        return re.findall(r"\w+", text.lower())


ENGLISH = rouge_scorer.RougeScorer(METRICS, use_stemmer=True)
OTHER = rouge_scorer.RougeScorer(METRICS, tokenizer=AnyLetters())


def lead(document: Reference, words: int) -> list[str]:
    """The first sentences, under the same budget as ours: the line that any summariser has to beat."""
    budget = Budget(Length(words))
    taken: list[str] = []
    for sentence in split_sentences(document.text, primary_language(document.language)):
        size = count_words(sentence.text)
        if budget.is_spent or not budget.admits(size):
            break
        budget.spend(size)
        taken.append(sentence.text)
    return taken


def ours(document: Reference, words: int) -> list[str]:
    language = primary_language(document.language)
    summary = summarise(document.text, title=document.title, language=language, length=Length(words))
    return [sentence.text for sentence in summary.sentences]


def measure(folder: Path, summariser: Summariser) -> dict[str, Scores]:
    """One row per set, and "macro", their plain mean."""
    rows = {
        name: _average([_score(d, summariser) for d in references(folder, name)]) for name in SUMMARY_SETS
    }
    return rows | {"macro": _average(list(rows.values()))}


def _score(document: Reference, summariser: Summariser) -> Scores:
    words = max(LEAST_BUDGET, round(mean(count_words(summary) for summary in document.summaries)))
    candidate = "\n".join(summariser(document, words))
    scorer = ENGLISH if document.language == "en" else OTHER
    scored = [scorer.score(_lines(text, document.language), candidate) for text in document.summaries]
    return Scores(*(100 * mean(score[metric].fmeasure for score in scored) for metric in METRICS))


def _lines(summary: str, language: str) -> str:
    """ROUGE-Lsum compares line by line, so each sentence takes one."""
    return "\n".join(sentence.text for sentence in split_sentences(summary, primary_language(language)))


def _average(rows: list[Scores]) -> Scores:
    return Scores(
        mean(row.rouge1 for row in rows),
        mean(row.rouge2 for row in rows),
        mean(row.rouge_lsum for row in rows),
    )
