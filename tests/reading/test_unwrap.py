import time
from textwrap import fill, indent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reading.article import RawDocument
from app.reading.content_types import TEXT
from app.reading.extract import extract
from app.reading.read import digest
from app.reading.unwrap import unwrap

pytestmark = pytest.mark.unit

FIRST = (
    "The council of the old city decided on Monday that bees may be kept on every public roof, from the "
    "town hall to the library. Keepers had asked for that since the spring of last year, when the first two "
    "colonies on the roof of the opera gave more honey than anybody had hoped for."
)
SECOND = "A fee is not asked for, as the mayor said in the evening, and the school gets all of the wax."
LIST = (
    "- A first point that is nearly as long as the next is\n- A second point that is a bit longer than it\n"
    "* A third one\n1. And a number before the fourth of all of them here\n2) Another number\n(a) A letter"
)
SONNET = """Shall I compare thee to a summer's day?
Thou art more lovely and more temperate:
Rough winds do shake the darling buds of May,
And summer's lease hath all too short a date;"""
CODE = """def is_full(line: str, after: str, width: int) -> bool:
    found = after.split(maxsplit=1)[0] if after else ""
    return len(line) + 1 + len(found) > width

for (int i = 0; i < number_of_all_the_colonies; i++) {
honey = honey + colonies[i].honey_of_the_last_year;
}"""
ADDRESS = "Ann Author\nThe Daily, Department of Bees\n12 Long Street at the Old Market\n12345 The City"
A_SENTENCE_A_LINE = """The council decided on Monday that bees may be kept on roofs.
A fee is not asked for.
Keepers had asked for that since the spring of last year, in vain.
All of the wax goes to the school in the very middle of the town."""
HEADERS = """From: Ann Author <ann@daily.example>
Subject: Of the bees on the roofs of the old city, and of their honey
Date: Monday, 6 May 2024"""
TABLE = """Roof of the opera      two colonies      31 kg of honey
Roof of the library    nine colonies     99 kg of honey
Town hall              one colony        12 kg of honey"""
JAPANESE = "\u7686\u3055\u3093\u3053\u3093\u306b\u3061\u306f" * 6 + "\n" + "\u6625\u304c\u6765\u305f" * 10


@pytest.mark.parametrize("width", [50, 60, 72, 80, 100])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_wrapped_paragraphs_are_one_line_each(width: int, end: str) -> None:
    wrapped = f"{fill(FIRST, width)}\n\n{fill(SECOND, width)}\n".replace("\n", end)
    assert extract(RawDocument(wrapped.encode(), TEXT)).text == f"{FIRST}\n\n{SECOND}"


@pytest.mark.parametrize("width", [60, 72])
def test_a_paragraph_of_two_lines_is_joined_alone_too(width: int) -> None:
    assert unwrap(fill(SECOND[:115], width)) == SECOND[:115]


def test_an_indented_document_is_unwrapped_as_rfcs_are() -> None:
    wrapped = indent(f"{fill(FIRST, 69)}\n\n{fill(SECOND, 69)}", "   ")
    assert unwrap(wrapped) == f"   {FIRST}\n\n   {SECOND}"


def test_the_indentation_of_a_first_line_and_the_marks_of_quoted_mail_go() -> None:
    assert unwrap(fill(FIRST, 70, initial_indent="    ")) == f"    {FIRST}"
    assert unwrap(indent(fill(FIRST, 70), "> ")) == f"> {FIRST}"


def test_the_items_of_a_list_are_joined_apart() -> None:
    wrapped = "\n".join(fill(f"- {item}", 60, subsequent_indent="  ") for item in (FIRST, SECOND))
    assert unwrap(wrapped) == f"- {FIRST}\n- {SECOND}"


def test_a_heading_and_a_greeting_stay_lines_of_their_own() -> None:
    wrapped = f"Of Bees\n=======\n{fill(FIRST, 80)}\nRegards,\nAnn"
    assert unwrap(wrapped) == f"Of Bees\n=======\n{FIRST}\nRegards,\nAnn"


def test_a_compound_cut_after_its_hyphen_is_whole_again() -> None:
    text = "The library and the town hall are buildings of well-\nknown beauty, as all of them say."
    assert unwrap(text) == text.replace("\n", "")


@pytest.mark.parametrize(
    "text", ["", LIST, SONNET, CODE, ADDRESS, A_SENTENCE_A_LINE, HEADERS, TABLE, JAPANESE, FIRST, "a\n\n\n b"]
)
def test_what_is_laid_out_on_purpose_stays(text: str) -> None:
    assert unwrap(text) == text
    # Beside wrapped text, too.
    assert unwrap(f"{text}\n\n{fill(FIRST, 72)}") == f"{text}\n\n{FIRST}"


def test_the_summary_of_wrapped_text_is_that_of_the_same_text_on_one_line() -> None:
    flat, wrapped = (digest(RawDocument(body.encode(), TEXT)) for body in (FIRST, fill(FIRST, 65)))
    assert wrapped.result.summary == flat.result.summary


@given(st.text("ab.-> \t\n\r1*\u6625") | st.text())
def test_only_white_space_and_marks_of_quotation_are_lost(text: str) -> None:
    def words(of: str) -> str:
        return "".join(of.replace(">", "").split())

    assert words(unwrap(text)) == words(text)


@pytest.mark.parametrize(
    "unit", ["a", "\n", "a\n", "> \n", "a b" * 5 + "\n", "a" * 60 + " b\n", "( ", ">", "\r"]
)
def test_five_megabytes_take_linear_time(unit: str) -> None:
    document = RawDocument((unit * (5_000_000 // len(unit))).encode(), TEXT)
    began = time.process_time()
    extract(document)
    assert time.process_time() - began < 10
