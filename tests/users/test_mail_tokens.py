"""Tokens of mails: each of its own key, and bound to the account as it was."""

from dataclasses import fields

import jwt
import pytest

from app.core.ids import new_id
from app.users.mail_tokens import LIFETIME_SECONDS, InvalidResetTokenError, MailTokens
from app.users.models import User

pytestmark = pytest.mark.unit

TOKENS = MailTokens.from_secret("a secret of forty characters for tests..")


def dora(**changes: str) -> User:
    values = {"username": "dora", "email": "dora@example.com", "hashed_password": "$argon2id$a"}
    return User(**{"id": new_id(), **values, **changes})


def test_a_token_of_another_secret_is_refused() -> None:
    with pytest.raises(InvalidResetTokenError):
        TOKENS.read_reset(MailTokens.from_secret("another").for_reset(dora()))


def test_a_token_for_confirming_resets_nothing() -> None:
    with pytest.raises(InvalidResetTokenError):
        TOKENS.read_reset(TOKENS.for_verification(dora()))


@pytest.mark.parametrize("algorithm", ["none", "HS512"])
def test_no_other_algorithm_is_taken(algorithm: str) -> None:
    user = dora()
    claims = jwt.decode(TOKENS.for_reset(user), options={"verify_signature": False})
    key = TOKENS.reset_secret if algorithm != "none" else ""
    with pytest.raises(InvalidResetTokenError):
        TOKENS.read_reset(jwt.encode(claims, key, algorithm=algorithm))


@pytest.mark.parametrize("change", [{"email": "new@example.com"}, {"hashed_password": "$argon2id$b"}])
def test_it_holds_for_the_account_as_it_was(change: dict[str, str]) -> None:
    user = dora()
    claim = TOKENS.read_reset(TOKENS.for_reset(user))
    assert claim.user_id == user.id
    assert TOKENS.still_holds(claim, user)
    for name, value in change.items():
        setattr(user, name, value)
    assert not TOKENS.still_holds(claim, user)


def test_it_shows_no_hash_and_lives_a_quarter_of_an_hour() -> None:
    claims = jwt.decode(TOKENS.for_reset(dora()), options={"verify_signature": False})
    assert set(claims) == {"sub", "password_fgpt", "aud", "exp"}
    assert "argon2" not in str(claims)
    assert LIFETIME_SECONDS == 900


def test_every_purpose_has_a_key_of_its_own_and_none_is_shown() -> None:
    keys = {str(getattr(TOKENS, field.name)) for field in fields(TOKENS)}
    assert len(keys) == 3
    assert not any(key in repr(TOKENS) for key in keys)
