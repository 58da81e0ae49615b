"""API keys: garbage and typing errors are told from keys without a query."""

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.api_key_format import PATTERN, digest, generate_api_key, is_well_formed, prefix

pytestmark = pytest.mark.unit

KEY = generate_api_key()


def test_malformed_key_is_refused() -> None:
    mistyped = [KEY + "0", KEY[:-1], KEY + "\n", KEY[:-1] + "é", KEY.upper(), "prc_test_" + KEY[9:]]
    for key in ["", "prc_live_", *mistyped]:
        assert not is_well_formed(key)


def test_every_single_typing_error_is_refused() -> None:
    for position in range(9, len(KEY)):
        other = "0" if KEY[position] != "0" else "1"
        assert not is_well_formed(KEY[:position] + other + KEY[position + 1 :])


@given(st.text())
def test_no_text_whatever_is_taken_for_a_key(text: str) -> None:
    assert not is_well_formed(text)


def test_generated_keys_are_well_formed_unique_and_match_the_published_pattern() -> None:
    keys = {generate_api_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(is_well_formed(key) and re.fullmatch(PATTERN, key) for key in keys)


def test_digest_is_sha256_and_prefix_shows_twelve_characters() -> None:
    assert digest(KEY) == hashlib.sha256(KEY.encode()).digest()
    assert prefix(KEY) == KEY[:12]
