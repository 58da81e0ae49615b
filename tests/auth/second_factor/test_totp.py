"""RFC 6238, with its own test vectors."""

from base64 import b32decode, b32encode
from urllib.parse import parse_qs, urlsplit

import pytest

from app.auth.second_factor.totp import is_code, match_step, new_secret, provisioning_uri

pytestmark = pytest.mark.unit

# Appendix B, the last six of its eight digits.
SECRET = b32encode(b"12345678901234567890").decode()
NOW, STEP, CODE = 1111111111, 37037037, "050471"


@pytest.mark.parametrize("text", ["", "12345", "1234567", "12345a", "١٢٣٤٥٦", "123456\n", "-12345"])
def test_only_six_ascii_digits_are_a_code(text: str) -> None:
    assert not is_code(text)


@pytest.mark.parametrize(
    ("now", "code"), [(59, "287082"), (1111111109, "081804"), (NOW, CODE), (20000000000, "353130")]
)
def test_the_codes_are_those_of_the_rfc(now: int, code: str) -> None:
    assert match_step(SECRET, code, now=now, after=-1) == now // 30


@pytest.mark.parametrize(("seconds", "found"), [(-31, False), (-30, True), (59, True), (60, False)])
def test_a_clock_may_be_one_step_off_and_no_more(seconds: int, found: bool) -> None:  # noqa: FBT001  # a parameter of pytest's
    assert (match_step(SECRET, CODE, now=STEP * 30 + seconds, after=-1) == STEP) is found


def test_a_step_that_was_used_matches_no_more() -> None:
    assert match_step(SECRET, CODE, now=NOW, after=STEP) is None
    assert match_step(SECRET, CODE, now=NOW, after=STEP - 1) == STEP


def test_each_secret_has_160_bits_of_its_own() -> None:
    assert len(b32decode(new_secret())) == 20
    assert new_secret() != new_secret()


def test_the_uri_names_us_the_account_and_the_secret() -> None:
    uri = urlsplit(provisioning_uri(SECRET, account="alice"))
    assert (uri.scheme, uri.netloc, uri.path) == ("otpauth", "totp", "/Precis:alice")
    assert parse_qs(uri.query) == {"secret": [SECRET], "issuer": ["Precis"]}
