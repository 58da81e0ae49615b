"""How much each sentence says of the whole: a graph of TF-IDF likeness, position, title and form.

Degree centrality stands in for a walk over the graph (LexRank, TextRank): on the sets that we measured it was
better, and it needs no pairwise matrix, only one dot product per sentence with the sum of all vectors.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from app.reading.article import Sentence
from app.reading.sentences import count_words
from app.reading.terms import Vocabulary

Vector = dict[str, float]

WEIGHT_CENTRALITY = 1.0
WEIGHT_POSITION = 0.5
POSITION_DECAY = 0.08
WEIGHT_TITLE = 0.4
FEWEST_WORDS = 4
PENALTY_FRAGMENT = 1.0
MOST_WORDS = 60
PENALTY_OPEN_END = 0.5
# A question, an announcement or a broken-off thought leaves its reader waiting for the next sentence.
OPEN_ENDS = (":", "?", "\u2026", "...", "\uff1a", "\uff1f")
REDUNDANCY = 0.5


@dataclass(frozen=True, slots=True)
class Ranked:
    sentence: Sentence
    score: float
    words: int
    vector: Vector


def rank(
    sentences: Sequence[Sentence],
    *,
    positions: Sequence[int],
    title: str | None,
    vocabulary: Vocabulary,
) -> list[Ranked]:
    """Score each sentence, in document order. `positions` are places in the whole document, from 0."""
    counts = [Counter(vocabulary.terms(sentence.text)) for sentence in sentences]
    idf = _inverse_frequencies(counts)
    vectors = [_vector(count, idf) for count in counts]
    central = _scaled(_centralities(vectors))
    titled = _scaled(_likeness(vectors, _vector(Counter(vocabulary.terms(title or "")), idf)))
    words = [count_words(sentence.text) for sentence in sentences]
    return [
        Ranked(
            sentence,
            WEIGHT_CENTRALITY * central[at]
            + WEIGHT_POSITION / (1 + POSITION_DECAY * positions[at])
            + WEIGHT_TITLE * titled[at]
            - _penalty(sentence.text, words[at]),
            words[at],
            vectors[at],
        )
        for at, sentence in enumerate(sentences)
    ]


def dot(left: Vector, right: Vector) -> float:
    small, large = (left, right) if len(left) <= len(right) else (right, left)
    return sum([weight * large[term] for term, weight in small.items() if term in large])


def _inverse_frequencies(counts: Sequence[Counter[str]]) -> Vector:
    """Smoothed: a term of every sentence still weighs 1, as in scikit-learn's TfidfTransformer."""
    document_frequency = Counter(term for count in counts for term in count)
    return {term: math.log((1 + len(counts)) / (1 + df)) + 1 for term, df in document_frequency.items()}


def _vector(count: Counter[str], idf: Vector) -> Vector:
    weights = {term: (1 + math.log(tf)) * idf[term] for term, tf in count.items() if term in idf}
    norm = math.sqrt(sum(weight * weight for weight in weights.values()))
    return {term: weight / norm for term, weight in weights.items()}


def _centralities(vectors: Sequence[Vector]) -> list[float]:
    total: Vector = {}
    for vector in vectors:
        for term, weight in vector.items():
            total[term] = total.get(term, 0.0) + weight
    return [max(0.0, dot(vector, total) - 1) if vector else 0.0 for vector in vectors]


def _likeness(vectors: Sequence[Vector], to: Vector) -> list[float]:
    return [dot(vector, to) for vector in vectors]


def _scaled(values: Sequence[float]) -> list[float]:
    top = max(values, default=0.0)
    return [value / top for value in values] if top > 0 else [0.0] * len(values)


def _penalty(text: str, words: int) -> float:
    fragment = PENALTY_FRAGMENT if words < FEWEST_WORDS else 0.0
    excess = max(0, words - MOST_WORDS) / MOST_WORDS
    open_end = PENALTY_OPEN_END if text.endswith(OPEN_ENDS) else 0.0
    return fragment + excess + open_end
