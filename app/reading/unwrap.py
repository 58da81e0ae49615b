"""Plain text wrapped at a column (mail, RFCs): its paragraphs on one line each, as in every article.

A line end was the wrapping's doing where the next line's first word would not have fitted before it. What one
line end says is little, so most of a block's have to be such, and what is laid out on purpose stays.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from app.reading.decode import LINE_ENDS
from app.reading.sentences import BULLETS, CJK

NARROWEST, WIDEST = 40, 120
# Below this width lines that all begin with a capital are more often verse than wrapped prose.
WIDEST_VERSE = 59
# How far a paragraph's longest line may end before the column.
RAGGED = 10
PAIR = 2
# Hardly a wrapped line but a paragraph's last is as short as what these leave out, and a text of millions of
# those would cost seconds to look at.
RUN = re.compile(r"^(?:[^\n]{15,}+\n)++[^\n]*+", re.MULTILINE)
LEAD = re.compile(r"[ \t>]*")
WORDLESS = re.compile(r"[\W_]*\Z")
MARKER = re.compile(rf"(?:{BULLETS}|#{{1,6}}|\(?(?:\d{{1,3}}\.)*(?:\d{{1,3}}|[a-z])[.)])[ \t]+")
ENDS_SENTENCE = re.compile(r".*[.!?:\u2026][\"')\]\u2019\u201d]*\Z")
# Columns, or code.
LAID_OUT = re.compile(r".*(?:\S(?: {3,}|\t+)\S|[;{}()\[\]\\=|]\Z|\w[(\[]| [=<>+]+ |[=!<>-][=>]|&&)")
# Scripts without spaces: their lines hold no first word to measure, and a space would be foreign to them.
UNSPACED = re.compile(rf"[{CJK}\u3000-\u303f\uff00-\uffef\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")


@dataclass(frozen=True, slots=True)
class Line:
    """`text` is without `lead` characters of white space and `depth` marks of quotation before it."""

    raw: str
    text: str
    depth: int
    lead: int

    @property
    def length(self) -> int:
        return self.lead + len(self.text)


Block = list[Line]


def unwrap(text: str) -> str:
    """Every line is ended by one newline. What is laid out on purpose keeps its lines."""
    unified = LINE_ENDS.sub("\n", text)
    runs = [list(_blocks(map(_line, run.group().split("\n")))) for run in RUN.finditer(unified)]
    known = _known_widths([block for run in runs for block in run if _is_wrapped(block)])
    unwrapped = iter(["\n".join(_unwrapped(block, known) for block in run) for run in runs])
    return RUN.sub(lambda _: next(unwrapped), unified)


def _known_widths(wrapped: Collection[Block]) -> set[int]:
    """Of two lines the longer is full by definition: how wide the text is shows in longer paragraphs."""
    longer = {_width(block) for block in wrapped if len(block) > PAIR}
    return longer or {max(map(_width, wrapped), default=0)}


def _line(raw: str) -> Line:
    before = LEAD.match(raw)
    end = before.end() if before else 0
    depth = raw.count(">", 0, end)
    return Line(raw, raw[end:].rstrip(), depth, end - depth)


def _blocks(lines: Iterable[Line]) -> Iterator[Block]:
    """Lines that may be one paragraph or item of a list."""
    block: Block = []
    for line in lines:
        if block and not _may_continue(block, line):
            yield block
            block = []
        block.append(line)
    yield block


def _may_continue(block: Block, line: Line) -> bool:
    first, last = block[0], block[-1]
    if line.depth != last.depth or MARKER.match(line.text):
        return False
    if WORDLESS.match(line.text) or WORDLESS.match(last.text):
        return False
    if len(block) > 1:
        return line.lead == last.lead
    marker = MARKER.match(first.text)
    return line.lead <= first.lead + (marker.end() if marker else 0)


def _width(block: Block) -> int:
    """A word by itself may pass the column: an address."""
    return max((line.length for line in block if " " in line.text), default=0)


def _is_wrapped(block: Block) -> bool:
    width = _width(block)
    if len(block) == 1 or not NARROWEST <= width <= WIDEST:
        return False
    full = sum(_is_full(line, after, width) for line, after in pairwise(block))
    if 2 * full <= len(block) - 1 or all(ENDS_SENTENCE.match(line.text) for line in block):
        return False
    if width <= WIDEST_VERSE and not any(line.text[0].islower() for line in block):
        return False
    return not (_half(LAID_OUT, block) or _half(UNSPACED, block))


def _is_full(line: Line, after: Line, width: int) -> bool:
    return line.length + 1 + len(after.text.split(maxsplit=1)[0]) > width


def _half(pattern: re.Pattern[str], block: Block) -> bool:
    return 2 * sum(1 for line in block if pattern.match(line.text)) >= len(block)


def _unwrapped(block: Block, known: set[int]) -> str:
    if not _is_wrapped(block) or not _is_confirmed(block, known):
        return "\n".join(line.raw for line in block)
    width = _width(block)
    parts = [block[0].raw.rstrip()]
    for line, after in pairwise(block):
        parts.append(_between(line, after) + after.text if _is_full(line, after, width) else f"\n{after.raw}")
    return "".join(parts)


def _is_confirmed(block: Block, known: set[int]) -> bool:
    first, second = block[:PAIR]
    return len(block) > PAIR or any(
        first.length <= width + RAGGED and _is_full(first, second, width) for width in known
    )


def _between(line: Line, after: Line) -> str:
    """Nothing within a compound that was cut after its hyphen."""
    is_cut = line.text.endswith("-") and line.text[-2:-1].isalpha() and after.text[0].islower()
    return "" if is_cut else " "
