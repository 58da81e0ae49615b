import pytest

from app.core.auth_metrics import AuthAction, Judgement
from app.core.errors import NotFoundError, RateLimitedError, UnavailableError
from tests.measured import judged

pytestmark = pytest.mark.unit
OAUTH = Judgement(AuthAction.OAUTH, undecided=(NotFoundError,))


def counts() -> tuple[float, float]:
    return judged("oauth", "accepted"), judged("oauth", "refused")


@pytest.mark.parametrize("error", [UnavailableError(), NotFoundError(), OSError()])
def test_a_fault_of_ours_and_what_is_undecided_are_no_refusal(error: Exception) -> None:
    before = counts()
    with pytest.raises(type(error)), OAUTH:
        raise error
    assert counts() == before


def test_whatever_else_refuses_is_counted_and_goes_on() -> None:
    accepted, refused = counts()
    with pytest.raises(RateLimitedError), OAUTH:
        raise RateLimitedError
    assert counts() == (accepted, refused + 1)


def test_what_ends_well_is_accepted() -> None:
    accepted, refused = counts()
    with OAUTH:
        pass
    OAUTH.accept()
    assert counts() == (accepted + 2, refused)
