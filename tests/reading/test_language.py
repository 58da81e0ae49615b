import pytest

from app.reading.language import detect_language, language_of, primary_language

pytestmark = pytest.mark.unit

GERMAN = "Die Stra\u00dfe f\u00fchrt \u00fcber die Br\u00fccke und weiter bis in das n\u00e4chste Dorf. " * 5


@pytest.mark.parametrize(
    ("tag", "code"),
    [("pt-BR", "pt"), ("EN_us", "en"), ("nb-NO", "no"), ("", None), (None, None), ("english", None)],
)
def test_a_tag_is_reduced_to_its_language(tag: str | None, code: str | None) -> None:
    assert primary_language(tag) == code


def test_a_text_without_words_has_no_language() -> None:
    assert detect_language(" \n ") is None


def test_a_declared_language_holds_for_a_short_text() -> None:
    assert language_of("Ja, nein.", declared="de-AT") == "de"


def test_a_templates_wrong_declaration_yields_to_a_sure_guess() -> None:
    assert language_of(GERMAN, declared="en") == "de"


def test_the_text_tells_where_nothing_is_declared() -> None:
    assert language_of(GERMAN) == "de"
