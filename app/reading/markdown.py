"""Markdown to the prose in it. Not a renderer: what has no sentences (code, tables, images) is left out."""

import re
from collections.abc import Iterator

from app.reading.article import Article

FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?P<fields>(?:[^\n]*\n){0,200}?)(?:---|\.\.\.)[ \t]*(?:\n|\Z)")
FRONT_TITLE = re.compile(r"^title[ \t]*:[ \t]*(?P<title>[^\n]{1,1000})$", re.MULTILINE | re.IGNORECASE)
# All of these see a line without the white space around it.
FENCE = re.compile(r"(?P<mark>`{3,}|~{3,})")
HEADING = re.compile(r"#{1,6}[ \t]+(?P<text>.*)")
UNDERLINE = re.compile(r"(?:=+|-+)$")
RULE = re.compile(r"(?:(?:\*[ \t]*){3,}|(?:_[ \t]*){3,}|(?:-[ \t]*){3,})$")
REFERENCE = re.compile(r"\[(?!\^)[^\]]{1,200}\]:[ \t]*\S+")
# A table's row begins and ends with a bar; the line below its head is of dashes and bars.
TABLE = re.compile(r"\|.*\|$|[-:| \t]*-{3}[ \t]*:?[ \t]*\|[-:| \t]*$")
PREFIX = re.compile(r"(?:[-*+][ \t]+(?:\[[ xX]\][ \t]+)?|\d{1,9}[.)][ \t]+)")
DEEPEST_PREFIX = 20
# The address may hold one pair of brackets, as Wikipedia's do.
ADDRESS = r"\((?:[^()\n]|\([^()\n]{0,200}\)){0,2000}\)|\[[^\]\n]{0,200}\]"
IMAGE = re.compile(rf"!\[[^\]\[]{{0,500}}\](?:{ADDRESS})")
LINK = re.compile(rf"\[(?P<text>[^\]\[]{{0,1000}})\](?:{ADDRESS})")
AUTOLINK = re.compile(r"<(?:https?|mailto):[^<>\s]{1,2000}>")
FOOTNOTE = re.compile(r"\[\^[^\]\s]{1,50}\]:?")
TAG = re.compile(r"</?[A-Za-z][^<>]{0,500}>")
EMPHASIS = re.compile(
    r"(?<![\w*_~\\])(?:\*{1,3}|_{1,3}|~~)(?=\S)|(?<=[^\s\\])(?:\*{1,3}|_{1,3}|~~)(?![\w*_~])"
)
CODE_MARK = re.compile(r"`{1,3}")
ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+\-.!>~|])")
COMMENT_BEGINS, COMMENT_ENDS = "<!--", "-->"
# Twice what an article may have: marks take room, too.
LONGEST_SOURCE = 4_000_000
# In this order: an image may stand inside a link.
REPLACED = (
    (IMAGE, ""),
    (LINK, r"\g<text>"),
    (AUTOLINK, ""),
    (FOOTNOTE, ""),
    (TAG, ""),
    (EMPHASIS, ""),
    (CODE_MARK, ""),
    (ESCAPE, r"\1"),
)


def read_markdown(source: str) -> Article:
    """Paragraphs joined from their lines, one a line, as in every article."""
    text = source[:LONGEST_SOURCE].replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
    front = FRONT_MATTER.match(text)
    body = _without_comments(text[front.end() if front else 0 :])
    paragraphs = [paragraph for paragraph in map(_inline, _paragraphs(body)) if paragraph]
    return Article("\n".join(paragraphs), title=_front_title(front) or _first_heading(body))


def _front_title(front: re.Match[str] | None) -> str | None:
    found = FRONT_TITLE.search(front["fields"]) if front else None
    return found["title"].strip().strip("\"'") or None if found else None


def _first_heading(body: str) -> str | None:
    for line in _without_code(body):
        if heading := HEADING.match(line):
            return _heading(heading) or None
    return None


def _heading(found: re.Match[str]) -> str:
    return _inline(found["text"].rstrip("# \t"))


def _without_comments(body: str) -> str:
    """By searching, not by a pattern: that would look again from each of a million beginnings."""
    kept, at = [], 0
    while (begin := body.find(COMMENT_BEGINS, at)) >= 0:
        end = body.find(COMMENT_ENDS, begin + len(COMMENT_BEGINS))
        if end < 0:
            break
        kept.append(body[at:begin])
        at = end + len(COMMENT_ENDS)
    return "".join([*kept, body[at:]])


def _without_code(body: str) -> Iterator[str]:
    """The lines, without the marks of quotation; an empty one for each block of code."""
    fence = ""
    for quoted in body.split("\n"):
        line = quoted.lstrip("> \t").rstrip()
        mark = FENCE.match(line)
        if fence:
            # Closed by as long a mark of its own kind (CommonMark, section 4.5).
            fence = "" if mark and mark["mark"].startswith(fence) else fence
        elif mark:
            fence = mark["mark"]
            yield ""
        else:
            yield line


def _paragraphs(body: str) -> Iterator[str]:
    paragraph: list[str] = []
    for line in _without_code(body):
        words = _words(line)
        if words != line or not words:
            yield " ".join(paragraph)
            paragraph = []
        paragraph.append(words)
        if HEADING.match(line):
            yield words
            paragraph = []
    yield " ".join(paragraph)


def _words(line: str) -> str:
    """Without the marks before them, by which one sees where a paragraph begins; "" where it ends."""
    if heading := HEADING.match(line):
        return heading["text"].rstrip("# \t")
    if any(pattern.match(line) for pattern in (UNDERLINE, RULE, REFERENCE, TABLE)):
        return ""
    words = line
    for _ in range(DEEPEST_PREFIX):
        if prefix := PREFIX.match(words):
            words = words[prefix.end() :].lstrip()
    return words


def _inline(paragraph: str) -> str:
    plain = paragraph
    for pattern, replacement in REPLACED:
        plain = pattern.sub(replacement, plain)
    return " ".join(plain.split())
