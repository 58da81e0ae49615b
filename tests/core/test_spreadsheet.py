import csv
import io

import pytest

from app.core.spreadsheet import csv_lines, harmless

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "\u00a0=1",
        "\uff1d1",
        "\uff0b1",
        "\uff20x",
    ],
)
def test_what_would_begin_a_formula_begins_with_an_apostrophe(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "a=1", "1-2", "'quoted", "e@example.com", " plain"])
def test_anything_else_stays_as_it_is(cell: str) -> None:
    assert harmless(cell) == cell


def test_nothing_is_an_empty_cell() -> None:
    assert csv_lines([[None, 0, 1.5]]) == '"","0","1.5"\r\n'


def test_no_cell_ends_early_or_joins_its_neighbour() -> None:
    cells = ['a","=1', "b\r\n=2", "c;d", 'e"', "f\n"]
    assert list(csv.reader(io.StringIO(csv_lines([cells]), newline=""))) == [cells]
