"""Refresh tokens: deterministic, and only the exact characters we minted are read."""

import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.refresh_tokens import (
    MAX_COUNTER,
    PATTERN,
    InvalidRefreshTokenError,
    RefreshClaim,
    RefreshTokens,
)

pytestmark = pytest.mark.unit

TOKENS = RefreshTokens({1: b"old pepper", 2: b"new pepper"}, current=2)
SESSION = UUID("0192f000-0000-7000-8000-00000000abcd")
TOKEN = TOKENS.mint(SESSION, counter=300)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def refused(token: str) -> None:
    with pytest.raises(InvalidRefreshTokenError) as caught:
        TOKENS.parse(token)
    assert caught.value.status == 401


def raw(token: str) -> bytes:
    encoded = token.removeprefix("rt1_")
    return urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))


def encoded(content: bytes) -> str:
    return "rt1_" + urlsafe_b64encode(content).rstrip(b"=").decode()


def with_valid_crc(content: bytes) -> str:
    return encoded(content + zlib.crc32(content).to_bytes(4, "big"))


def test_malformed_token_is_refused() -> None:
    padded = [TOKEN + "=", TOKEN + "\n", " " + TOKEN, TOKEN[4:], TOKEN + "A" * 9, "rt2" + TOKEN[3:]]
    empty = ["", "rt1_", "rt1_" + "A" * 53, "rt1_" + "A" * 57]
    for token in [*padded, *empty, "rt1_\ud800" + TOKEN[5:], "rt1_\uff21" + TOKEN[5:]]:
        refused(token)


def test_every_single_changed_character_is_refused() -> None:
    for position in range(len(TOKEN)):
        other = next(letter for letter in ALPHABET if letter != TOKEN[position])
        refused(TOKEN[:position] + other + TOKEN[position + 1 :])


def test_unused_bits_of_the_last_character_are_not_a_second_spelling() -> None:
    token = TOKENS.mint(SESSION, counter=5)
    assert len(raw(token)) % 3, "this token has unused bits"
    for letter in ALPHABET.replace(token[-1], ""):
        refused(token[:-1] + letter)


def test_forged_counter_with_a_right_checksum_is_refused() -> None:
    body = bytearray(raw(TOKEN)[:-4])
    body[16] ^= 1
    refused(with_valid_crc(bytes(body)))


def test_longer_spelling_of_the_counter_is_refused() -> None:
    body = raw(TOKENS.mint(SESSION, counter=5))[:-4]
    refused(with_valid_crc(body[:16] + b"\x85\x00" + body[17:]))


def test_counter_beyond_the_column_is_refused() -> None:
    body = raw(TOKEN)[:-4]
    refused(with_valid_crc(body[:16] + b"\xff\xff\xff\xff\x7f" + body[18:]))


def test_token_of_an_unknown_or_foreign_pepper_is_refused() -> None:
    refused(RefreshTokens({3: b"new pepper"}, current=3).mint(SESSION, counter=1))
    refused(RefreshTokens({2: b"other"}, current=2).mint(SESSION, counter=1))


@given(st.text() | st.from_regex(PATTERN, fullmatch=True))
def test_no_text_whatever_raises_anything_else(text: str) -> None:
    refused(text)


@pytest.mark.parametrize("counter", [-1, MAX_COUNTER + 1])
def test_counter_outside_the_column_is_not_minted(counter: int) -> None:
    with pytest.raises(ValueError, match="counter"):
        TOKENS.mint(SESSION, counter=counter)


@pytest.mark.parametrize(("peppers", "current"), [({}, 1), ({1: b"x"}, 2), ({1: b"x", 256: b"y"}, 1)])
def test_pepper_that_a_token_cannot_name_is_refused(peppers: dict[int, bytes], current: int) -> None:
    with pytest.raises(ValueError, match="pepper"):
        RefreshTokens(peppers, current=current)


@given(st.uuids(), st.integers(0, MAX_COUNTER))
def test_minted_token_is_read_back_and_always_the_same(session_id: UUID, counter: int) -> None:
    token = TOKENS.mint(session_id, counter=counter)
    assert TOKENS.parse(token) == RefreshClaim(session_id, counter)
    assert TOKENS.mint(session_id, counter=counter) == token
    assert re.fullmatch(PATTERN, token)


def test_token_of_the_former_pepper_is_still_read() -> None:
    former = RefreshTokens({1: b"old pepper"}, current=1).mint(SESSION, counter=1)
    assert TOKENS.parse(former) == RefreshClaim(SESSION, 1)


def test_tokens_follow_from_the_secret_key_alone() -> None:
    first = RefreshTokens.from_secret("secret").mint(SESSION, counter=1)
    assert RefreshTokens.from_secret("secret").parse(first) == RefreshClaim(SESSION, 1)
    with pytest.raises(InvalidRefreshTokenError):
        RefreshTokens.from_secret("other").parse(first)
