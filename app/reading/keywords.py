"""The phrases a text keeps coming back to: runs of up to three content words, scored by how often."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise, takewhile

from app.reading.article import Sentence
from app.reading.sentences import CJK, MARKS
from app.reading.terms import Vocabulary

LONGEST_RUN = 3
SHORTEST_WORD = 3
KEYWORDS = 8
# Above 1: two words that keep company say more than either, which is counted wherever it goes.
LENGTH_POWER = 1.3
# A book repeats its subject long before this; reading on would only cost time.
CHARACTERS_READ = 200_000
TOKEN = re.compile(rf"[{CJK}]{{2,6}}|(?:(?![{CJK}])[\w{MARKS}])+(?:['\u2019\-](?:(?![{CJK}])[\w{MARKS}])+)*")


def keywords(sentences: Sequence[Sentence], vocabulary: Vocabulary) -> tuple[str, ...]:
    """At most eight, best first, each as the text most often spells it; no two share their stems."""
    spelled: dict[tuple[str, ...], Counter[str]] = {}
    early = takewhile(lambda sentence: sentence.start < CHARACTERS_READ, sentences)
    for sentence in early:
        for run in _runs(sentence.text, vocabulary):
            for phrase in _phrases(run):
                stems = tuple(vocabulary.stem(word.lower()) for word in phrase)
                spelled.setdefault(stems, Counter())[" ".join(phrase)] += 1
    return _best(spelled)


def _runs(text: str, vocabulary: Vocabulary) -> Iterator[list[str]]:
    """Content words with nothing but a space between them: a noun phrase, more often than not."""
    run: list[str] = []
    end = -1
    for token in TOKEN.finditer(text):
        if run and text[end : token.start()] != " ":
            yield run
            run = []
        if _is_content(token.group(), vocabulary):
            run.append(token.group())
        elif run:
            yield run
            run = []
        end = token.end()
    yield run


def _is_content(word: str, vocabulary: Vocabulary) -> bool:
    long_enough = len(word) >= SHORTEST_WORD or not word.isascii()
    return long_enough and word.lower() not in vocabulary.stop_words and not word[0].isdigit()


def _phrases(run: Sequence[str]) -> Iterator[Sequence[str]]:
    for size in range(1, LONGEST_RUN + 1):
        for at in range(len(run) - size + 1):
            yield run[at : at + size]


def _best(spelled: dict[tuple[str, ...], Counter[str]]) -> tuple[str, ...]:
    scored = {stems: _score(stems, forms) for stems, forms in spelled.items()}
    chosen: list[tuple[str, ...]] = []
    for stems in sorted(scored, key=lambda stems: -scored[stems]):
        if not any(set(stems) & set(other) for other in chosen):
            chosen.append(stems)
        if len(chosen) == KEYWORDS:
            break
    return tuple(spelled[stems].most_common(1)[0][0] for stems in chosen)


def _score(stems: tuple[str, ...], forms: Counter[str]) -> float:
    """A phrase seen once is chance; one seen often says more the longer it is, and more if it is a name."""
    count = sum(forms.values())
    named = all(word[:1].isupper() for word in forms.most_common(1)[0][0].split())
    repeated = len(set(stems)) < len(stems) or any(left == right for left, right in pairwise(stems))
    length = 1.0 if count == 1 or repeated else len(stems) ** LENGTH_POWER
    return float(count * length * (1.3 if named else 1.0))
