"""Each way in which an ID token can lie, and the two in which it can be right."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from app.core.id_tokens import (
    Expected,
    UnknownKeyError,
    UntrustedIdTokenError,
    parse_key_set,
    verify_id_token,
)
from tests.openid_stub import (
    EC_KID,
    KID,
    ec_key,
    public_jwk,
    rsa_key,
    signed,
    signed_with_client_secret,
    signed_with_public_key,
    token_by_hand,
    unsigned,
)

pytestmark = pytest.mark.unit

NOW = 1_800_000_000
ISSUER = "https://id.example"
EXPECTED = Expected(frozenset({ISSUER}), "precis", "nonce")
CLAIMS = {
    "iss": ISSUER,
    "aud": "precis",
    "sub": "1001",
    "nonce": "nonce",
    "iat": NOW,
    "exp": NOW + 300,
}
FRESH = Expected(frozenset({ISSUER}), "precis", "nonce", max_age=900)
KEYS = parse_key_set({"keys": [public_jwk(rsa_key(), KID), public_jwk(ec_key(), EC_KID)]})


def verify(token: str, *, expected: Expected = EXPECTED) -> Any:  # Any: claims
    return verify_id_token(token, KEYS, expected=expected, now=NOW)


def claims_without(name: str) -> dict[str, Any]:  # Any: JSON values
    return {key: value for key, value in CLAIMS.items() if key != name}


def swapped() -> str:
    header, _, signature = signed(CLAIMS).split(".")
    return ".".join((header, signed({**CLAIMS, "sub": "1"}).split(".")[1], signature))


FORGERIES = {
    "unsigned": unsigned(CLAIMS),
    "signed with the client's secret": signed_with_client_secret(CLAIMS),
    "signed with the public key as a secret": signed_with_public_key(CLAIMS),
    "signed by another key under the same kid": signed(CLAIMS, key=rsa_key("another")),
    "signed by a key of another kind under the same kid": signed(CLAIMS, key=ec_key(), kid=KID),
    "without a kid": signed(CLAIMS, kid=None),
    "with a kid that is no string": token_by_hand({"alg": "RS256", "kid": 1}, CLAIMS, lambda _: b"x"),
    "an access token": signed(CLAIMS, typ="at+jwt"),
    "a logout token": signed(CLAIMS, typ="logout+jwt"),
    "with an extension that must be understood": signed(CLAIMS, crit=["exp"]),
    "of another shape": "a.b",
    "no JSON": "e30.e30",
    "not ASCII": "é.é.é",
    "too long": signed({**CLAIMS, "padding": "x" * 20_000}),
    "cut": signed(CLAIMS)[:-4],
    "with another payload under its signature": swapped(),
}
LIES: dict[str, dict[str, Any]] = {  # Any: JSON values
    "another issuer": {**CLAIMS, "iss": "https://evil.example"},
    "an issuer that is no string": {**CLAIMS, "iss": [ISSUER]},
    "another audience": {**CLAIMS, "aud": "somebody-else"},
    "no audience among several": {**CLAIMS, "aud": ["a", "b"]},
    "several audiences without saying for whom": {**CLAIMS, "aud": ["precis", "b"]},
    "several audiences and another party": {**CLAIMS, "aud": ["precis", "b"], "azp": "b"},
    "another party": {**CLAIMS, "azp": "b"},
    "another nonce": {**CLAIMS, "nonce": "of another attempt"},
    "expired": {**CLAIMS, "exp": NOW - 61},
    "expiring never": {**CLAIMS, "exp": float("inf")},
    "expiring at true": {**CLAIMS, "exp": True},
    "issued in the future": {**CLAIMS, "iat": NOW + 61},
    "issued long ago": {**CLAIMS, "iat": NOW - 601},
    "issued at no time": {**CLAIMS, "iat": "now"},
    "a subject that is no string": {**CLAIMS, "sub": 1},
    **{f"without {name}": claims_without(name) for name in CLAIMS},
}


@pytest.mark.parametrize("token", FORGERIES.values(), ids=FORGERIES)
def test_a_forgery_is_refused(token: str) -> None:
    with pytest.raises(UntrustedIdTokenError):
        verify(token)


@pytest.mark.parametrize("claims", LIES.values(), ids=LIES)
def test_a_lie_is_refused_although_it_is_signed(claims: dict[str, Any]) -> None:  # Any: JSON values
    with pytest.raises(UntrustedIdTokenError):
        verify(signed(claims))


# As old as was asked for, and the attempt took its ten minutes, and the clocks differ by one.
OLDEST = NOW - 900 - 600 - 60


@pytest.mark.parametrize("proved", [None, OLDEST - 1, NOW + 61, -1, True, str(NOW), float("inf")])
def test_a_proof_without_its_time_or_too_old_is_refused_where_its_age_was_demanded(proved: object) -> None:
    with pytest.raises(UntrustedIdTokenError):
        verify(signed({**CLAIMS, "auth_time": proved}), expected=FRESH)
    with pytest.raises(UntrustedIdTokenError):
        verify(signed(CLAIMS), expected=FRESH)


@pytest.mark.parametrize("proved", [NOW + 61, -1, True, str(NOW)])
def test_a_time_of_the_proof_that_is_none_is_refused_although_nobody_asked(proved: object) -> None:
    with pytest.raises(UntrustedIdTokenError):
        verify(signed({**CLAIMS, "auth_time": proved}))


@pytest.mark.parametrize("proved", [OLDEST, NOW, NOW + 60])
def test_a_proof_as_recent_as_was_demanded_is_believed(proved: int) -> None:
    assert verify(signed({**CLAIMS, "auth_time": proved}), expected=FRESH)["auth_time"] == proved


@pytest.mark.parametrize("proved", [{}, {"auth_time": None}, {"auth_time": 1}])
def test_where_no_age_was_demanded_any_will_do(proved: dict[str, Any]) -> None:  # Any: JSON values
    assert verify(signed({**CLAIMS, **proved}))["sub"] == "1001"


def test_an_unknown_kid_is_told_apart_so_that_the_keys_are_fetched_anew() -> None:
    with pytest.raises(UnknownKeyError):
        verify(signed(CLAIMS, kid="key-of-tomorrow"))


def test_a_refusal_quotes_nothing_of_the_token() -> None:
    with pytest.raises(UntrustedIdTokenError) as caught:
        verify(signed({**CLAIMS, "nonce": "hunter2", "sub": "hunter2"}))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("token", [signed(CLAIMS), signed(CLAIMS, key=ec_key(), kid=EC_KID)])
def test_what_the_issuer_signed_for_us_is_believed(token: str) -> None:
    assert verify(token)["sub"] == "1001"


@pytest.mark.parametrize("azp", ["precis", None])
def test_one_audience_in_a_list_is_one_audience(azp: str | None) -> None:
    party = {"azp": azp} if azp else {}
    assert verify(signed({**CLAIMS, "aud": ["precis"], **party}))


def test_several_audiences_are_believed_where_we_are_the_party() -> None:
    assert verify(signed({**CLAIMS, "aud": ["precis", "b"], "azp": "precis"}))


def test_any_spelling_of_the_issuer_is_believed() -> None:
    both = Expected(frozenset({ISSUER, "id.example"}), "precis", "nonce")
    assert verify(signed({**CLAIMS, "iss": "id.example"}), expected=both)


def test_a_minute_of_difference_between_clocks_is_forgiven() -> None:
    assert verify(signed({**CLAIMS, "iat": NOW + 59, "exp": NOW + 60}))
    assert verify(signed({**CLAIMS, "iat": NOW - 400, "exp": NOW - 59}))


@pytest.mark.parametrize("document", [None, [], {}, {"keys": {}}, {"keys": None}, "keys"])
def test_what_is_no_key_set_is_refused(document: object) -> None:
    with pytest.raises(UntrustedIdTokenError):
        parse_key_set(document)


UNUSABLE: dict[str, object] = {
    "no object": "key",
    "without a kid": {name: value for name, value in public_jwk(rsa_key(), KID).items() if name != "kid"},
    "for encryption": public_jwk(rsa_key(), KID, use="enc"),
    "a secret": {"kty": "oct", "k": "c2VjcmV0", "kid": KID},
    "of another algorithm": public_jwk(rsa_key(), KID, alg="PS256"),
    "too short": public_jwk(rsa_key("short", 1024), KID),
    "of another curve": public_jwk(ec.generate_private_key(ec.SECP384R1()), KID),
    "broken": {"kty": "RSA", "n": "!", "e": "AQAB", "kid": KID},
    "incomplete": {"kty": "EC", "crv": "P-256", "kid": KID},
    "of no kind": {"kid": KID},
}


@pytest.mark.parametrize("key", UNUSABLE.values(), ids=UNUSABLE)
def test_a_key_that_is_of_no_use_is_left_out(key: object) -> None:
    assert parse_key_set({"keys": [key]}) == {}


def test_the_first_of_two_keys_with_one_kid_counts() -> None:
    keys = parse_key_set({"keys": [public_jwk(rsa_key(), KID), public_jwk(rsa_key("another"), KID)]})
    assert verify_id_token(signed(CLAIMS), keys, expected=EXPECTED, now=NOW)
