"""What one wording says that another does not, sentence by sentence, in bounded time."""

import difflib
import re
from dataclasses import dataclass

# difflib is quadratic where nothing repeats: 500 against 500 take a few milliseconds.
MOST_SENTENCES = 500
SENTENCE_END = re.compile(r"(?<=[.!?\u3002\uff01\uff1f])\s+|\n+")


@dataclass(frozen=True, slots=True)
class Difference:
    text: str
    is_truncated: bool


def difference(former: str, later: str, *, names: tuple[str, str]) -> Difference:
    """As `diff -u` has it; empty where both say the same."""
    before, after = _sentences(former), _sentences(later)
    compared = before[:MOST_SENTENCES], after[:MOST_SENTENCES]
    lines = difflib.unified_diff(*compared, fromfile=names[0], tofile=names[1], lineterm="")
    return Difference("\n".join(lines), max(len(before), len(after)) > MOST_SENTENCES)


def _sentences(text: str) -> list[str]:
    return [line for line in SENTENCE_END.split(text.strip()) if line]
