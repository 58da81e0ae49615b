import json

import pytest

from app.summaries.exports.formats import escaped, format_of, summary_lines
from app.summaries.exports.vocabulary import MEDIA_TYPES, ExportFormat

pytestmark = pytest.mark.unit

HOSTILE = "<script>alert(1)</script> [x](javascript:alert(1)) ![y](http://z) **b** `c` | # h &lt; ~~s~~ _i_"


@pytest.mark.parametrize("wanted", ExportFormat)
def test_every_format_has_a_type_and_an_end(wanted: ExportFormat) -> None:
    form = format_of(wanted, end_marker=False)
    assert MEDIA_TYPES[wanted]
    assert isinstance(form.head() + form.rows([], before=0) + form.tail(count=0), str)


def test_json_of_no_rows_is_an_empty_array() -> None:
    form = format_of(ExportFormat.JSON, end_marker=False)
    assert json.loads(form.head() + form.rows([], before=0) + form.tail(count=0)) == []


def test_ndjson_of_no_rows_is_nothing_or_the_marker() -> None:
    plain, marked = (format_of(ExportFormat.NDJSON, end_marker=marker) for marker in (False, True))
    assert plain.head() + plain.tail(count=0) == ""
    assert json.loads(marked.tail(count=0)) == {"end": True, "count": 0}


def test_markup_in_a_text_is_text() -> None:
    shown = escaped(HOSTILE)
    for character in "<>[]`*|#&~_":
        assert shown.count(character) == shown.count(f"\\{character}"), character


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("- item", r"\- item"),
        ("+ item", r"\+ item"),
        ("= title", r"\= title"),
        ("--- ", r"\--- "),
        ("1. one", r"1\. one"),
        ("  12) two", r"  12\) two"),
        ("1 - 2", "1 - 2"),
        ("1.5 of 2", r"1\.5 of 2"),
    ],
)
def test_no_line_begins_a_list_or_a_heading(line: str, shown: str) -> None:
    assert escaped(f"First.\n{line}") == f"First.\n{shown}"


def test_a_backslash_does_not_undo_an_escape() -> None:
    assert escaped("\\*") == "\\\\\\*"


def test_bullets_are_a_list_of_their_own_and_still_text() -> None:
    assert summary_lines("- Bees *b*.\n- + Roofs") == [r"* Bees \*b\*.", r"* \+ Roofs"]
    assert summary_lines("Bees.\n- Roofs") == ["Bees.\n\\- Roofs"]
