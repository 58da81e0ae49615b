import pytest

from app.reading.article import RawDocument
from app.reading.content_types import MARKDOWN
from app.reading.extract import extract
from app.reading.markdown import read_markdown

pytestmark = pytest.mark.unit

# Each made a pattern look again from every one of a million places before it was bounded.
HOSTILE = (
    "[",
    "*",
    "<!--",
    "> ",
    "`a",
    "![[",
    "<a ",
    "_a",
    "|",
    "| -",
    "---|",
    "# ",
    "* ",
    " ",
    "[a](",
    "1. ",
)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("# The bees #\n\nThey live.", "The bees\nThey live."),
        ("Bees\n====\nThey live.", "Bees\nThey live."),
        ("One sentence\nover two lines.", "One sentence over two lines."),
        ("**Bold**, *lean*, ~~gone~~ and `code`.", "Bold, lean, gone and code."),
        ("snake_case_stays, 2 * 3 * 4, \\*stars\\*.", "snake_case_stays, 2 * 3 * 4, *stars*."),
        ('See [the page](https://a.example/b_(c) "t") now.', "See the page now."),
        ("See [the page][1] now.\n\n[1]: https://a.example", "See the page now."),
        ("![a bee](bee.png) [![badge](b.svg)](https://ci.example) Words.", "Words."),
        ("Go to <https://a.example/b>!", "Go to !"),
        ("Bees[^1] live.\n\n[^1]: Mostly.", "Bees live.\nMostly."),
        ("- one\n- [x] two\n  1. three", "one\ntwo\nthree"),
        ("> quoted\n> and on", "quoted and on"),
        ("before\n\n```python\nprint('no words')\n```\n\nafter", "before\nafter"),
        ("before\n~~~\n```\n~~~\nafter", "before\nafter"),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n\nWords.", "Words."),
        ("a\n\n---\n\n* * *\n\nb", "a\nb"),
        ("<p align=center>Words</p> <!-- not\nthese --> here", "Words here"),
        ("kept <!-- as nobody closes it", "kept <!-- as nobody closes it"),
        ("a\r\n\r\nb\rc", "a\nb c"),
    ],
)
def test_of_markdown_the_prose_is_left(source: str, text: str) -> None:
    assert read_markdown(source).text == text


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ('---\ntitle: "Bees in town"\n---\n# Other\nWords.', "Bees in town"),
        ("Words.\n\n## The *bees*\n\nMore.", "The bees"),
        ("```\n# no heading\n```\nWords.", None),
        ("---\nlayout: x\n---\nWords.", None),
    ],
)
def test_its_title_is_the_front_matters_or_the_first_heading(source: str, title: str | None) -> None:
    article = read_markdown(source)
    assert article.title == title
    assert "layout" not in article.text


def test_a_document_without_a_title_goes_by_its_files_name() -> None:
    body = "The bees of the city live on roofs."
    named = RawDocument(body.encode(), MARKDOWN, name="bees.md")
    assert extract(named).title == "bees.md"
    assert extract(RawDocument(b"# Roofs\n" + body.encode(), MARKDOWN, name="bees.md")).title == "Roofs"


@pytest.mark.parametrize("mark", HOSTILE)
def test_marks_without_end_are_read_to_the_end(mark: str) -> None:
    """110 s where a pattern was quadratic."""
    assert read_markdown(mark * (400_000 // len(mark)) + "\n\nWords.").text.endswith("Words.")
