import re

import pytest

from app.auth.second_factor.recovery_codes import digest_of, is_recovery_code, new_codes

pytestmark = pytest.mark.unit


def test_ten_different_codes_of_120_bits() -> None:
    codes = new_codes()
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"([A-Z2-7]{4}-){5}[A-Z2-7]{4}", code) for code in codes)


def test_a_code_is_the_same_however_it_is_typed() -> None:
    code = new_codes()[0]
    typed = {code, code.lower(), code.replace("-", ""), f" {code.replace('-', ' ')} "}
    assert len({digest_of(text) for text in typed}) == 1
    assert all(is_recovery_code(text) for text in typed)


@pytest.mark.parametrize("text", ["", "123456", "A" * 23, "A" * 25, "-" * 24])
def test_another_length_is_no_recovery_code(text: str) -> None:
    assert not is_recovery_code(text)
