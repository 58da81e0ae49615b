import pytest
from pydantic import ValidationError

from app.auth.schemas import LoginForm

pytestmark = pytest.mark.unit

FORM = {"username": "alice", "password": "correct horse"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"grant_type": "client_credentials"},
        {"username": "a" * 255},
        {"password": "a" * 1001},
        {"username": "\x00"},
    ],
    ids=["grant", "long name", "long password", "nul"],
)
def test_a_form_beyond_its_bounds_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        LoginForm.model_validate({**FORM, **wrong})


def test_an_unknown_parameter_is_ignored_as_rfc_6749_demands() -> None:
    assert LoginForm.model_validate({**FORM, "audience": "x"}) == LoginForm(**FORM)


def test_no_secret_is_in_the_forms_text() -> None:
    text = repr(LoginForm(**FORM, client_secret="hidden"))
    assert "horse" not in text
    assert "hidden" not in text
