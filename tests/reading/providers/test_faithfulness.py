"""No number and no address passes that the document does not hold."""

import pytest

from app.reading.providers.faithfulness import unfounded

pytestmark = pytest.mark.unit

SOURCE = (
    "In 2020 the 3 dogs ate 1,234 bones, 05/01, at 10:30, for 2.5 and 1 000 crowns; 12.345.678,90 in all. "
    "See https://www.example.org/dogs?page=2 or mail dogs@example.org, from 20 100 people, with \u00bd a cup."
)


@pytest.mark.parametrize(
    "invented",
    [
        "202",
        "20201",
        "1.5",
        "5 000",
        "1 234 567",
        "123",
        "\u2462",
        "\u00be",
        "\u0669",
        "\uff17",
        "12.345.678",
        "-7",
        "$99",
        "https://example.org",
        "https://example.org/dogs",
        "https://www.example.org/dogs?page=2&x=1",
        "http://evil.example",
        "//evil.example/x",
        "evil.example",
        "evil@example.org",
        "javascript:alert(1)",
        "[here](https://evil.example)",
        "data:text/html,hello",
        "HTTPS://EVIL.EXAMPLE/",
        "see.https://evil.example",
        "-https://evil.example",
    ],
)
def test_what_the_document_does_not_hold_is_unfounded(invented: str) -> None:
    assert unfounded(f"The dogs: {invented} they said.", SOURCE)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "no number at all, e.g. none, i.e. nothing in the U.S. at 5 p.m.".replace("5 ", ""),
        "in 2020.",
        "1234 bones, or 1,234.",
        "5 January",
        "at 10:30",
        "2,5 crowns",
        "\u0663 dogs",
        "the 3rd dog",
        "1000 crowns, 1\u00a0000 crowns",
        "12345678.90 in all",
        "20 or 100 people",
        "half (\u00bd) a cup",
        "(https://www.example.org/dogs?page=2).",
        "<https://www.example.org/dogs?page=2>",
        "example.org/dogs?page=2",
        "dogs@example.org!",
    ],
)
def test_what_the_document_holds_may_be_said_in_another_form(said: str) -> None:
    assert unfounded(f"They said {said}", SOURCE) == []


@pytest.mark.parametrize("unit", ["a", "a.", "a-", "1,", "1 000 ", "a@", "a.b-", "http:", "\u00bd"])
def test_every_shape_of_document_ends(unit: str) -> None:
    assert unfounded("http://x.example 5", unit * (100_000 // len(unit)))
