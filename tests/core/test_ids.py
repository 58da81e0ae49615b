import pytest

from app.core.ids import new_id, new_id_text, parse_id

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("text", ["", "1", "x" * 36, "0" * 32, "{01a1fcaa-b52e-73b5-ace7-b7763a176594}"])
def test_what_is_not_in_the_canonical_form_is_no_id(text: str) -> None:
    assert parse_id(text) is None


def test_an_id_is_read_back() -> None:
    made = new_id()
    assert parse_id(str(made)) == parse_id(str(made).upper()) == made


def test_ids_sort_by_the_time_of_their_making() -> None:
    made = [new_id() for _ in range(100)]
    assert sorted(made) == made
    assert made[0].version == 7


def test_an_id_as_text_is_one_like_the_others() -> None:
    before, text, after = new_id(), new_id_text(), new_id()
    found = parse_id(text)
    assert found is not None
    assert (found.version, str(found)) == (7, text)
    assert before < found < after
