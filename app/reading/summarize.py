"""The extractive summary: rank the sentences, choose the best without repetition, print them in order."""

import math
from collections.abc import Sequence
from heapq import heapify, heappop, heappush

from app.reading.article import HEADLINE_WORDS, MEDIUM, Length, LengthUnit, Sentence, Style, Summary
from app.reading.keywords import keywords
from app.reading.ranking import REDUNDANCY, Ranked, dot, rank
from app.reading.sentences import count_words, split_sentences
from app.reading.styles import cut_to_headline, laid_out
from app.reading.terms import Vocabulary, vocabulary

MOST_SENTENCES = 600
ENOUGH = 0.85
AT_MOST = 1.1
# A sentence so like a chosen one is that sentence again, whatever its score.
SAME = 0.95
KEY_POINTS = 5
NEARLY_BEST = 0.9
WORDS_PER_MINUTE = 238  # Brysbaert 2019, silent reading of English non-fiction


def summarise(
    text: str,
    *,
    title: str | None = None,
    language: str | None = None,
    length: Length = MEDIUM,
    style: Style = Style.PARAGRAPH,
) -> Summary:
    """Every sentence of the summary stands word for word in `text`, at its offsets."""
    sentences = without_title(split_sentences(text, language), title)
    words = vocabulary(language)
    ranked = rank_all(sentences, title, words)
    chosen = _headline(ranked, length) if style is Style.HEADLINE else _in_order(ranked, length)
    points = _choose(ranked, Length(KEY_POINTS, LengthUnit.SENTENCES))
    total = count_words(text)
    return Summary(
        text=laid_out([sentence.text for sentence in chosen], style),
        sentences=tuple(chosen),
        key_points=tuple(item.sentence.text for item in points),
        keywords=keywords(sentences, words),
        word_count=total,
        summary_word_count=sum(count_words(sentence.text) for sentence in chosen),
        reading_minutes=math.ceil(total / WORDS_PER_MINUTE),
    )


def without_title(sentences: Sequence[Sentence], title: str | None) -> Sequence[Sentence]:
    """The headline at an article's beginning stands beside its summary already."""
    if title is None:
        return sentences
    headline = _folded(title)
    return [sentence for sentence in sentences if _folded(sentence.text) != headline] or sentences


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def rank_all(sentences: Sequence[Sentence], title: str | None, words: Vocabulary) -> list[Ranked]:
    """A long document is ranked chunk by chunk, then the best of each together: the tail has its say."""
    places: Sequence[int] = range(len(sentences))
    if len(sentences) > MOST_SENTENCES:
        chunks = [places[at : at + MOST_SENTENCES] for at in range(0, len(places), MOST_SENTENCES)]
        quota = max(1, MOST_SENTENCES // len(chunks))
        places = [
            place
            for chunk in chunks
            for place in _best_of(sentences, chunk, title=title, words=words, quota=quota)
        ]
    return rank([sentences[at] for at in places], positions=places, title=title, vocabulary=words)


def _best_of(
    sentences: Sequence[Sentence], chunk: Sequence[int], *, title: str | None, words: Vocabulary, quota: int
) -> list[int]:
    ranked = rank([sentences[at] for at in chunk], positions=range(len(chunk)), title=title, vocabulary=words)
    best = sorted(range(len(chunk)), key=lambda at: -ranked[at].score)[:quota]
    return sorted(chunk[at] for at in best)


def _in_order(ranked: Sequence[Ranked], length: Length) -> list[Sentence]:
    return sorted((item.sentence for item in _choose(ranked, length)), key=lambda sentence: sentence.start)


def _headline(ranked: Sequence[Ranked], length: Length) -> list[Sentence]:
    """The best sentence short enough to stand whole, unless a longer one says far more: that one is cut."""
    if not ranked:
        return []
    words = min(HEADLINE_WORDS, length.amount) if length.unit is LengthUnit.WORDS else HEADLINE_WORDS
    best = max(ranked, key=lambda item: item.score)
    whole = [item for item in ranked if item.words <= words and item.score >= NEARLY_BEST * best.score]
    return [cut_to_headline(max(whole, key=lambda item: item.score, default=best).sentence, words)]


def _choose(ranked: Sequence[Ranked], length: Length) -> list[Ranked]:
    """Best first, by maximal marginal relevance (Carbonell and Goldstein 1998).

    A sentence only grows liker to what is chosen, so one that still leads when it was compared with all of
    that is the next, whoever else was not compared yet (lazy greedy, Minoux 1978).
    """
    waiting = [(-ranked[at].score, at, 0.0, 0) for at in _openers(ranked, length)]
    heapify(waiting)
    budget = Budget(length)
    chosen: list[Ranked] = []
    while waiting and not budget.is_spent:
        _, at, like, compared = heappop(waiting)
        item = ranked[at]
        if like >= SAME or not budget.admits(item.words):
            continue
        if compared == len(chosen):
            budget.spend(item.words)
            chosen.append(item)
        else:
            like = max(like, *[dot(item.vector, other.vector) for other in chosen[compared:]])
            heappush(waiting, (REDUNDANCY * like - item.score, at, like, len(chosen)))
    return chosen


def _openers(ranked: Sequence[Ranked], length: Length) -> Sequence[int]:
    """All, unless the best is too long for so few words and one that fits says nearly as much."""
    everything = range(len(ranked))
    budget = AT_MOST * length.amount
    best = max(ranked, key=lambda item: item.score, default=None)
    if length.unit is LengthUnit.SENTENCES or best is None or best.words <= budget:
        return everything
    fitting = [at for at in everything if ranked[at].words <= budget]
    nearly_best = NEARLY_BEST * best.score
    return fitting if any(ranked[at].score >= nearly_best for at in fitting) else everything


class Budget:
    """Words: done at 85 %, a tenth over is admitted, and the first sentence always. Sentences: a count."""

    def __init__(self, length: Length) -> None:
        self._length = length
        self._words = 0
        self._sentences = 0

    @property
    def is_spent(self) -> bool:
        if self._length.unit is LengthUnit.SENTENCES:
            return self._sentences >= self._length.amount
        return self._words >= ENOUGH * self._length.amount

    def admits(self, words: int) -> bool:
        unlimited = self._length.unit is LengthUnit.SENTENCES or self._sentences == 0
        return unlimited or self._words + words <= AT_MOST * self._length.amount

    def spend(self, words: int) -> None:
        self._words += words
        self._sentences += 1
