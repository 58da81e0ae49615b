"""Sentences and words, with their places in the stored text: nothing is collapsed, so offsets stay true."""

import re
from collections.abc import Iterator

from sentencex import get_sentence_boundaries  # type: ignore[import-untyped]  # ships no types

from app.reading.article import Sentence
from app.reading.tokens import Tokens

LINE = re.compile(r"[^\r\n\f\v\u2028\u2029]+")
# Of a list's item; nested ones have several. A minus or an emphasis has no space after it.
BULLETS = r"[-*+\u2022\u2023]"
MARKERS = re.compile(rf"\s*(?:{BULLETS}(?:\s+|\Z))+")
# sentencex takes quadratic time over a line of opening quotes (300 kB: 30 s). Pieces bound that, and hardly
# any honest paragraph is this long.
LONGEST_PIECE = 4000
# Scripts without spaces between words: one character counts as a word.
CJK = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
# \w leaves out the vowel signs of Hebrew, Arabic and the Indic scripts, which would cut their words apart.
MARKS = r"\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0963\u0966-\u0dff"
LETTERS = rf"(?:[^\W{CJK}]++|[{MARKS}]++)++"
WORD = Tokens(rf"{LETTERS}(?:['\u2019.\-]{LETTERS})*+|[{CJK}]", in_ascii=r"\w++(?:['.\-]\w++)*+")


def split_sentences(text: str, language: str | None) -> list[Sentence]:
    """Sentences never cross a line end: extraction puts one paragraph, heading or list item on a line."""
    return [
        sentence
        for line in LINE.finditer(text)
        for start, end in _pieces(text, _after_markers(text, line), line.end())
        for sentence in _in_piece(text[start:end], start, language or "en")
    ]


def _after_markers(text: str, line: re.Match[str]) -> int:
    found = MARKERS.match(text, line.start(), line.end())
    return found.end() if found else line.start()


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > LONGEST_PIECE:
        limit = start + LONGEST_PIECE
        cut = max(text.rfind(". ", start, limit), text.rfind("\u3002", start, limit))
        cut = cut if cut > start else text.rfind(" ", start, limit)
        cut = cut + 1 if cut > start else limit
        yield start, cut
        start = cut
    yield start, end


def _in_piece(piece: str, offset: int, language: str) -> Iterator[Sentence]:
    # Rust takes no lone surrogate. What stands in for it is one character too, so the places stay.
    for found in get_sentence_boundaries(language, piece.encode("utf-8", "replace").decode()):
        raw = piece[found["start_index"] : found["start_index"] + len(found["text"])]
        sentence = raw.strip()
        if sentence:
            start = offset + found["start_index"] + len(raw) - len(raw.lstrip())
            yield Sentence(sentence, start, start + len(sentence))


def count_words(text: str) -> int:
    """Line by line, as no word goes on in the next and a long text is hardly ever one of ASCII alone."""
    return sum(map(WORD.count, LINE.findall(text)))
