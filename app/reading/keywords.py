"""The phrases a text keeps coming back to: runs of up to three content words, scored by how often."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice, pairwise, takewhile

from app.reading.article import Sentence
from app.reading.sentences import CJK, LETTERS
from app.reading.terms import Vocabulary
from app.reading.tokens import Tokens

Words = tuple[str, ...]

SHORTEST_WORD = 3
KEYWORDS = 8
# Above 1: two words that keep company say more than either, which is counted wherever it goes.
LENGTH_POWER = 1.3
# A book repeats its subject long before this; reading on would only cost time.
CHARACTERS_READ = 200_000
# The group lets `split` keep the tokens, which then stand between what parts them.
TOKEN = Tokens(rf"([{CJK}]{{2,6}}|{LETTERS}(?:['\u2019\-]{LETTERS})*+)", in_ascii=r"(\w++(?:['\-]\w++)*+)")


def keywords(sentences: Sequence[Sentence], vocabulary: Vocabulary) -> tuple[str, ...]:
    """At most eight, best first, each as the text most often spells it; no two share their stems."""
    early = takewhile(lambda sentence: sentence.start < CHARACTERS_READ, sentences)
    parts = [TOKEN.split(sentence.text) for sentence in early]
    stems = _content_stems({word for sentence in parts for word in sentence[1::2]}, vocabulary)
    runs = (run for sentence in parts for run in _runs(sentence, stems))
    phrases = Counter(chain.from_iterable(map(_phrases, runs)))
    counts, spelled = Counter[Words](), dict[Words, Words]()
    for phrase, count in phrases.items():
        stemmed = tuple(map(stems.__getitem__, phrase))
        counts[stemmed] += count
        if count > phrases[spelled.setdefault(stemmed, phrase)]:
            spelled[stemmed] = phrase
    return tuple(" ".join(spelled[stemmed]) for stemmed in islice(_best(counts, spelled), KEYWORDS))


def _content_stems(words: Iterable[str], vocabulary: Vocabulary) -> dict[str, str]:
    """The stem of each word that says something by itself."""
    lower = {word: word.lower() for word in words if len(word) >= SHORTEST_WORD or not word.isascii()}
    content = [word for word in lower if lower[word] not in vocabulary.stop_words and not word[0].isdigit()]
    return dict(zip(content, vocabulary.stems([lower[word] for word in content]), strict=True))


def _runs(parts: Sequence[str], stems: Mapping[str, str]) -> Iterator[list[str]]:
    """Content words with nothing but a space between them: a noun phrase, more often than not.

    `parts` are gaps and words in turn.
    """
    run: list[str] = []
    for gap, word in zip(parts[::2], parts[1::2], strict=False):
        if run and gap != " ":
            yield run
            run = []
        if word in stems:
            run.append(word)
        elif run:
            yield run
            run = []
    yield run


def _phrases(run: Sequence[str]) -> Iterator[Words]:
    """Of up to three words, the shorter first."""
    return chain(zip(run), pairwise(run), zip(run, run[1:], run[2:]))  # noqa: B905  # the rest is shorter


def _best(counts: Mapping[Words, int], spelled: Mapping[Words, Words]) -> Iterator[Words]:
    """Best first. Nearly all phrases stand there once, and score below any that is repeated.

    So those are scored only where the repeated ones are too few.
    """
    taken = set[str]()
    for repeated in (True, False):
        some = [stems for stems, count in counts.items() if (count > 1) is repeated]
        for stems in sorted(some, key=lambda stems: -_score(stems, counts[stems], spelled[stems])):
            if taken.isdisjoint(stems):
                taken.update(stems)
                yield stems


def _score(stems: Words, count: int, spelled: Words) -> float:
    """A phrase seen once is chance; one seen often says more the longer it is, and more if it is a name."""
    named = all(word[:1].isupper() for word in spelled)
    repeated = len(set(stems)) < len(stems) or any(left == right for left, right in pairwise(stems))
    length = 1.0 if count == 1 or repeated else len(stems) ** LENGTH_POWER
    return float(count * length * (1.3 if named else 1.0))
