"""A state works in the browser that began it, for its provider, for ten minutes."""

from hashlib import sha256
from uuid import uuid4

import pytest

from app.auth.oauth.errors import OAuthStateError
from app.auth.oauth.state import LIFETIME_SECONDS, LinkingSession, StateCodec

pytestmark = pytest.mark.unit

NOW = 1_800_000_000
STATES = StateCodec("a secret", clock=lambda: NOW)


def refused(state: str, *, browser: str, provider: str = "oidc", states: StateCodec = STATES) -> None:
    with pytest.raises(OAuthStateError):
        states.read(state, browser=browser, provider=provider)


def test_without_the_browsers_secret_it_is_refused() -> None:
    begun = STATES.begin("oidc", "token")
    for browser in ("", "x", STATES.begin("oidc", "token").browser, begun.browser + "A", "é" * 43):
        refused(begun.state, browser=browser)


@pytest.mark.parametrize("state", ["", "x", "é", "a" * 5, "A" * 100, "A" * 5000, "a.b", "a=", "\x00"])
def test_what_is_no_state_is_refused(state: str) -> None:
    refused(state, browser=STATES.begin("oidc", "token").browser)


def test_a_changed_state_is_refused() -> None:
    begun = STATES.begin("oidc", "token")
    for place in range(len(begun.state)):
        other = "A" if begun.state[place] != "A" else "B"
        refused(begun.state[:place] + other + begun.state[place + 1 :], browser=begun.browser)


def test_another_provider_or_deployment_refuses_it() -> None:
    begun = STATES.begin("oidc", "token")
    refused(begun.state, browser=begun.browser, provider="google")
    refused(begun.state, browser=begun.browser, states=StateCodec("another secret", clock=lambda: NOW))


def test_it_ends_after_ten_minutes() -> None:
    begun = STATES.begin("oidc", "token")
    late = StateCodec("a secret", clock=lambda: NOW + LIFETIME_SECONDS)
    in_time = StateCodec("a secret", clock=lambda: NOW + LIFETIME_SECONDS - 1)
    refused(begun.state, browser=begun.browser, states=late)
    assert in_time.read(begun.state, browser=begun.browser, provider="oidc")


def test_it_brings_back_what_was_begun() -> None:
    own = LinkingSession(uuid4(), uuid4(), uuid4())
    begun = STATES.begin("github", "link", linking=own)
    attempt, secrets = STATES.read(begun.state, browser=begun.browser, provider="github")
    assert (attempt.mode, attempt.linking, attempt.proved, secrets) == ("link", own, None, begun.secrets)


def test_it_brings_back_whom_the_provider_has_proved() -> None:
    person = uuid4()
    begun = STATES.begin("github", "cookie", proved=person)
    attempt, _ = STATES.read(begun.state, browser=begun.browser, provider="github")
    assert (attempt.mode, attempt.linking, attempt.proved) == ("cookie", None, person)


def test_no_secret_can_be_learned_from_the_state_or_another_secret() -> None:
    begun = STATES.begin("oidc", "token")
    shown = {begun.secrets.nonce, begun.secrets.challenge, begun.secrets.verifier, begun.browser}
    assert len(shown) == 4
    assert not any(secret in begun.state for secret in shown)


def test_every_attempt_has_secrets_of_its_own() -> None:
    first, second = STATES.begin("oidc", "token"), STATES.begin("oidc", "token")
    assert first.secrets.verifier != second.secrets.verifier
    assert first.secrets.nonce != second.secrets.nonce


def test_the_challenge_is_the_verifiers_hash_of_rfc_7636() -> None:
    secrets = STATES.begin("oidc", "token").secrets
    assert len(secrets.verifier) == 43
    digest = int.from_bytes(sha256(secrets.verifier.encode()).digest(), "big")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    number = 0
    for letter in secrets.challenge:
        number = number * 64 + alphabet.index(letter)
    assert number >> 2 == digest
