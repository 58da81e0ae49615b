"""How chosen sentences are printed. None is changed: a headline is the beginning of one, word for word."""

import re
from collections.abc import Sequence

from app.reading.article import HEADLINE_WORDS, Sentence, Style
from app.reading.sentences import WORD

# A script without spaces (Thai) makes one "word" of a whole sentence; a line still has to end.
HEADLINE_CHARACTERS = 120
# Cut shorter than this at a comma, a headline says less than one that breaks off at its fifteenth word.
CLAUSE_WORDS = 7
CLAUSE_END = re.compile(r"[,;:\u2013\u2014]\s|[\u3001\uff0c\uff1b\uff1a]")
DANGLING = ' \t,;:-\u2013\u2014\u3001\uff0c\uff1b\uff1a(\u201c\u2018["'


def laid_out(sentences: Sequence[str], style: Style) -> str:
    """Bullets: one sentence a line, each after "- "."""
    if style is Style.BULLETS:
        return "\n".join(f"- {sentence}" for sentence in sentences)
    return " ".join(sentences)


def cut_to_headline(sentence: Sentence, most_words: int = HEADLINE_WORDS) -> Sentence:
    """Its first clauses, or words, that fit; `start` and `end` enclose exactly what is left."""
    ends = [word.end() for word in WORD.finditer(sentence.text)]
    fitting = [end for end in ends[:most_words] if end <= HEADLINE_CHARACTERS]
    if len(fitting) == len(ends) and len(sentence.text) <= HEADLINE_CHARACTERS:
        return sentence
    end = fitting[-1] if fitting else HEADLINE_CHARACTERS
    after_clause = fitting[CLAUSE_WORDS - 1] if len(fitting) >= CLAUSE_WORDS else end
    clauses = [found.start() for found in CLAUSE_END.finditer(sentence.text, after_clause, end + 1)]
    text = sentence.text[: clauses[-1] if clauses else end].rstrip(DANGLING) or sentence.text[:end]
    return Sentence(text, sentence.start, sentence.start + len(text))
