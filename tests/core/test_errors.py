import pytest

from app.core.errors import CATALOGUE, NotFoundError, ProblemError

pytestmark = pytest.mark.unit


def test_one_code_cannot_mean_two_errors() -> None:
    with pytest.raises(TypeError, match="'not_found' is declared twice"):
        type("AlsoNotFoundError", (ProblemError,), {"code": "not_found"})


def test_a_subclass_without_a_code_of_its_own_is_no_entry_of_the_catalogue() -> None:
    class SpecialNotFoundError(NotFoundError):
        pass

    assert SpecialNotFoundError.code == "not_found"
    assert CATALOGUE["not_found"] is NotFoundError
