"""The policy names every fault of a password at once, and lets good ones of any script through."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.breached_passwords import BreachedPasswords
from app.core.password_policy import WeakPasswordError, check_policy
from app.settings import PasswordPolicy

pytestmark = pytest.mark.unit

COMPAT, NIST = PasswordPolicy.COMPAT, PasswordPolicy.NIST


def faults(password: str, policy: PasswordPolicy = COMPAT, *, username: str = "alice") -> set[str]:
    try:
        check_policy(password, username=username, email="a.liddell@wonderland.example", policy=policy)
    except WeakPasswordError as error:
        return {fault.code for fault in error.faults}
    return set()


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("", {"too_short", "no_uppercase", "no_lowercase", "no_digit"}),
        ("Kx7!vRt", {"too_short"}),
        ("kx7!vrtq", {"no_uppercase"}),
        ("KX7!VRTQ", {"no_lowercase"}),
        ("Kxw!vRtq", {"no_digit"}),
        ("Kx7wvRtq", {"no_special"}),
        ("Kx7!" + "vRtq" * 32, {"too_long"}),
    ],
)
def test_composition_faults_are_named(password: str, expected: set[str]) -> None:
    assert expected <= faults(password)
    assert "breached" not in faults(password)


@pytest.mark.parametrize("special", "-_+ !§€😀")
def test_any_character_but_letters_and_digits_is_special(special: str) -> None:
    assert faults(f"Kx7{special}vRtqz") == set()


@pytest.mark.parametrize(
    "password", ["Password123!", "P@ssw0rd", "Summer2025!", "1qaz@WSX", "Welcome1!", "Qwerty123!"]
)
@pytest.mark.parametrize("policy", PasswordPolicy)
def test_password_that_attackers_try_first_is_refused(password: str, policy: PasswordPolicy) -> None:
    assert "breached" in faults(password, policy)


def test_name_within_the_password_does_not_count() -> None:
    assert faults("Alice-in-7!") == {"contains_name"}
    assert faults("A.Liddell77!") == {"contains_name"}
    assert faults("Precis-77!x") == {"contains_name"}
    assert faults("Alice & the 7 dwarfs") == set()


def test_name_of_two_letters_is_not_looked_for() -> None:
    assert faults("Bob0bo!boBov", username="bo") == set()


@pytest.mark.parametrize(
    "password", ["Aa1!Aa1!Aa1!", "Abcdefgh1!", "Xy12345678!", "Aaaaaaaa1!", "Zy!9876543", "Qwertyuiop1!"]
)
def test_repetitions_and_sequences_are_refused(password: str) -> None:
    assert "repetitive" in faults(password)


def test_nist_policy_asks_for_length_and_no_composition() -> None:
    assert faults("fourteen chars", NIST) == {"too_short"}
    assert faults("correct horse battery", NIST) == set()
    assert faults("aaaaaaaaaaaaaaaa", NIST) == {"repetitive"}


def test_length_is_counted_in_composed_characters() -> None:
    assert "too_short" in faults("Gru\u0308n7!x")
    assert "too_long" not in faults("Kx7!" + "e\u0301" * 124)


def test_a_name_is_found_whatever_its_case() -> None:
    assert "contains_name" in faults("aLICE-in7!")


@pytest.mark.parametrize("policy", PasswordPolicy)
def test_no_policy_lets_a_name_alone_through(policy: PasswordPolicy) -> None:
    assert "contains_name" in faults("Alice-Alice-Alice-7!", policy)


@pytest.mark.parametrize("password", ["Grün7 Ährenfeld", "Пароль-надёжный-7", "SecurePass123!"])
def test_good_password_of_any_script_is_let_through(password: str) -> None:
    assert faults(password) == set()


def test_faults_point_at_the_field_that_was_asked_about() -> None:
    with pytest.raises(WeakPasswordError) as caught:
        check_policy("x", username="bob", email="bob@x.example", policy=COMPAT, pointer="/new_password")
    assert caught.value.status == 422
    assert {fault.pointer for fault in caught.value.faults} == {"/new_password"}
    assert len(caught.value.faults) >= 4


@given(st.text(), st.sampled_from(PasswordPolicy), st.text(), st.text())
def test_no_text_whatever_raises_anything_else(
    password: str, policy: PasswordPolicy, username: str, email: str
) -> None:
    with suppress(WeakPasswordError):
        check_policy(password, username=username, email=email, policy=policy)


def test_filter_takes_hardly_any_other_password_for_a_breached_one() -> None:
    bundled = BreachedPasswords.bundled()
    assert not [number for number in range(20_000) if f"Kx7!vRtq{number}" in bundled]
